import { useTranslation } from "react-i18next";
import { steadyLink } from "@/shared/api/links";
import { PictureWell } from "@/shared/pictures/PictureWell";
import { usePictures } from "@/shared/pictures/usePictures";
import { ResultFeed } from "@/shared/results/ResultFeed";
import { useProjectId } from "@/shared/useProjectId";
import { PoseEditor } from "./PoseEditor";
import { PoseFiles } from "./PoseFiles";
import { PoseLibrary } from "./PoseLibrary";
import { PoseSource } from "./PoseSource";
import { SkeletonFormats } from "./SkeletonFormats";
import { TransferForm } from "./TransferForm";
import { usePoseDraft } from "./usePoseDraft";

/** A character and a pose become the character in that pose. */
export function PosePage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  const [draft, change] = usePoseDraft(projectId);
  const underlay = usePictures(projectId).data?.find((picture) => picture.id === draft.pictureId);
  return (
    <>
      <h1>{t("pose.title")}</h1>
      <p className="lead">{t("pose.lead")}</p>
      <div className="columns pose-columns">
        <div className="stack">
          <section className="card stack" aria-labelledby="pose-character">
            <h2 id="pose-character">{t("pose.character")}</h2>
            <PictureWell
              projectId={projectId}
              label={t("pose.addCharacter")}
              pictureId={draft.characterId}
              everywhere={draft.characterId === null}
              onPick={(characterId) => change({ characterId })}
            />
          </section>
          <PoseSource projectId={projectId} draft={draft} change={change} />
          <PoseLibrary projectId={projectId} draft={draft} change={change} />
        </div>
        <section className="card stack" aria-labelledby="pose-editor">
          <h2 id="pose-editor">{t("pose.editor")}</h2>
          <PoseEditor
            key={`${draft.pictureId}-${draft.width}-${draft.height}`}
            draft={draft}
            change={change}
            underlayUrl={underlay ? steadyLink(underlay.id, underlay.url) : null}
          />
          <PoseFiles draft={draft} change={change} />
          <SkeletonFormats projectId={projectId} draft={draft} change={change} />
        </section>
        <section className="stack" aria-labelledby="pose-results">
          <TransferForm projectId={projectId} draft={draft} change={change} />
          <h2 id="pose-results">{t("pose.results")}</h2>
          <ResultFeed
            projectId={projectId}
            kind="pose_transfer"
            emptyTitle={t("pose.empty")}
            emptyText={t("pose.emptyText")}
            onUseSeed={(seed) => change({ seed: String(seed), moreOpen: true })}
          />
        </section>
      </div>
    </>
  );
}
