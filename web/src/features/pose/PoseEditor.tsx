import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "@/shared/ui/Empty";
import { EditorBar } from "./EditorBar";
import { PartTools } from "./PartTools";
import { PointFields } from "./PointFields";
import { type Part, POINTS_OF } from "./parts";
import { SkeletonStage } from "./SkeletonStage";
import { type Keypoint, moveJoint, toggleJoint } from "./skeleton";
import { useHistory } from "./useHistory";
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
  const [part, setPart] = useState<Part>("body");
  const [selected, setSelected] = useState(0);
  const [wholeLimb, setWholeLimb] = useState(false);
  const [underlay, setUnderlay] = useState(DEFAULT_UNDERLAY);
  const history = useHistory(draft.people, (people) => change({ people, edited: true }));
  const person = draft.people[draft.personIndex];

  if (!person) return <Empty title={t("pose.noSkeleton")} text={t("pose.noSkeletonText")} />;

  const replace = (keypoints: Keypoint[], tag: string) => {
    history.begin(tag);
    const people = draft.people.map((one, index) => (index === draft.personIndex ? { ...one, keypoints } : one));
    change({ people, edited: true });
  };
  const move = (joint: number, to: { x: number; y: number }, tag: string) =>
    replace(moveJoint(person.keypoints, joint, to, draft, wholeLimb), tag);
  const replaceWhole = (keypoints: Keypoint[], tag: string) => {
    history.endRun();
    replace(keypoints, tag);
    history.endRun();
  };
  const toggle = (joint: number) => replaceWhole(toggleJoint(person.keypoints, joint), `toggle:${joint}`);
  const choosePart = (chosen: Part) => {
    setPart(chosen);
    setSelected(POINTS_OF[chosen][0] ?? 0);
  };
  const shortcuts = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.code !== "KeyZ") return;
    event.preventDefault();
    if (event.shiftKey) history.redo();
    else history.undo();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only hears undo and redo keys from the controls inside it
    <div className="stack" onKeyDown={shortcuts}>
      <EditorBar
        history={history}
        wholeLimb={wholeLimb}
        onWholeLimb={setWholeLimb}
        underlay={underlayUrl ? underlay : null}
        onUnderlay={setUnderlay}
        people={draft.people.length}
        personIndex={draft.personIndex}
        onPerson={(personIndex) => change({ personIndex })}
      />
      <PartTools
        part={part}
        keypoints={person.keypoints}
        width={draft.width}
        onPart={choosePart}
        onReplace={replaceWhole}
      />
      <SkeletonStage
        key={draft.personIndex}
        size={draft}
        part={part}
        people={draft.people}
        personIndex={draft.personIndex}
        selected={selected}
        underlay={underlayUrl ? { url: underlayUrl, opacity: underlay } : null}
        onSelect={setSelected}
        onMove={move}
        onMoved={history.endRun}
        onToggle={toggle}
      />
      <PointFields
        part={part}
        keypoints={person.keypoints}
        selected={selected}
        onSelect={setSelected}
        onMove={move}
        onToggle={toggle}
      />
    </div>
  );
}
