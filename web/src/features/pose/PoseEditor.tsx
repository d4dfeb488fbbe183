import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "@/shared/ui/Empty";
import { DragMode } from "./DragMode";
import { EditorBar } from "./EditorBar";
import { PartTools } from "./PartTools";
import { PointFields } from "./PointFields";
import { POINTS_OF } from "./parts";
import { SelectionTools } from "./SelectionTools";
import { SkeletonStage } from "./SkeletonStage";
import { useEdits } from "./useEdits";
import type { PoseDraft } from "./usePoseDraft";

const DEFAULT_UNDERLAY = 0.6;

type Props = {
  draft: PoseDraft;
  change: (part: Partial<PoseDraft>) => void;
  underlayUrl: string | null;
};

/** The skeleton over its picture: points are dragged, moved by arrow keys, or typed; every change can be undone. */
export function PoseEditor({ draft, change, underlayUrl }: Props) {
  const { t } = useTranslation();
  const [underlay, setUnderlay] = useState(DEFAULT_UNDERLAY);
  const [panning, setPanning] = useState(false);
  const [adding, setAdding] = useState(false);
  const edits = useEdits(draft, change);
  const { part, selected, chosen, history, keypoints, choose } = edits;

  if (!draft.people[draft.personIndex]) return <Empty title={t("pose.noSkeleton")} text={t("pose.noSkeletonText")} />;

  const shortcuts = (event: KeyboardEvent) => {
    if (event.code === "Escape" && chosen.length > 0) choose([], false);
    else if ((event.ctrlKey || event.metaKey) && event.code === "KeyZ") {
      if (event.shiftKey) history.redo();
      else history.undo();
    } else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only hears keys from the controls inside it
    <div className="stack" onKeyDown={shortcuts}>
      <EditorBar
        history={history}
        wholeLimb={edits.wholeLimb}
        onWholeLimb={edits.setWholeLimb}
        underlay={underlayUrl ? underlay : null}
        onUnderlay={setUnderlay}
        people={draft.people.length}
        personIndex={draft.personIndex}
        onPerson={edits.choosePerson}
      />
      <PartTools
        part={part}
        keypoints={keypoints}
        width={draft.width}
        onPart={edits.choosePart}
        onReplace={edits.replaceWhole}
      />
      <DragMode
        panning={panning}
        adding={adding}
        onPanning={setPanning}
        onAdding={setAdding}
        onAll={() => choose(POINTS_OF[part], false)}
      />
      <SkeletonStage
        key={draft.personIndex}
        size={draft}
        part={part}
        people={draft.people}
        personIndex={draft.personIndex}
        selected={selected}
        chosen={chosen}
        panning={panning}
        underlay={underlayUrl ? { url: underlayUrl, opacity: underlay } : null}
        onSelect={edits.setSelected}
        onTake={(point, more) => edits.take(point, more || adding)}
        onChoose={(points, more) => choose(points, more || adding)}
        onMove={edits.move}
        onDragHandle={edits.dragHandle}
        onTurn={edits.turn}
        onResize={edits.resize}
        onMoved={history.endRun}
        onToggle={edits.toggle}
      />
      <SelectionTools
        chosen={chosen.length}
        onNone={() => choose([], false)}
        onTurn={edits.turn}
        onResize={edits.resize}
        onDone={history.endRun}
      />
      <PointFields
        part={part}
        keypoints={keypoints}
        selected={selected}
        onSelect={edits.setSelected}
        onMove={edits.move}
        onAngle={edits.setAngle}
        onToggle={edits.toggle}
      />
    </div>
  );
}
