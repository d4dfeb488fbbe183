import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { PictureWell } from "@/shared/pictures/PictureWell";
import { usePictures } from "@/shared/pictures/usePictures";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Slider } from "@/shared/ui/Slider";
import { standingPerson } from "./standing";
import { BLANK_HEIGHT, BLANK_WIDTH, fromPose, type PoseDraft } from "./usePoseDraft";

type Props = { projectId: string; draft: PoseDraft; change: (part: Partial<PoseDraft>) => void };
type Look = { pictureId: string; wholePicture: boolean };

/** Where the pose comes from: a photograph, a drawing, or a skeleton placed by hand. */
export function PoseSource({ projectId, draft, change }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const picture = usePictures(projectId).data?.find((one) => one.id === draft.pictureId);
  const estimate = useMutation({
    mutationFn: ({ pictureId, wholePicture }: Look) =>
      unwrap(
        api.POST("/api/v1/projects/{project_id}/poses/estimate", {
          params: { path: { project_id: projectId } },
          body: { picture_id: pictureId, whole_picture_if_nobody: wholePicture, min_pose_score: draft.minScore },
        }),
      ),
    onSuccess: (pose) => {
      change(fromPose(pose));
      return client.invalidateQueries({ queryKey: ["poses", projectId] });
    },
  });
  const pick = (pictureId: string | null) => {
    change({ pictureId, poseId: null, people: [], personIndex: 0, edited: false, usedWholePicture: false });
    if (pictureId) estimate.mutate({ pictureId, wholePicture: false });
  };
  const place = () => {
    const width = picture?.width ?? BLANK_WIDTH;
    const height = picture?.height ?? BLANK_HEIGHT;
    change({ poseId: null, width, height, people: [standingPerson(width, height)], personIndex: 0, edited: true });
  };
  const look = (wholePicture: boolean) =>
    draft.pictureId && estimate.mutate({ pictureId: draft.pictureId, wholePicture });
  const nobody = draft.poseId !== null && draft.people.length === 0 && !estimate.isPending;

  return (
    <section className="card stack" aria-labelledby="pose-source">
      <h2 id="pose-source">{t("pose.source")}</h2>
      <PictureWell
        projectId={projectId}
        label={t("pose.addPicture")}
        pictureId={draft.pictureId}
        everywhere={draft.characterId !== null}
        onPick={pick}
      />
      <div role="status" className="hint">
        {estimate.isPending && t("pose.looking")}
        {draft.pictureId &&
          draft.people.length > 0 &&
          !draft.usedWholePicture &&
          t("pose.found", { count: draft.people.length })}
        {draft.usedWholePicture && <p>{t("pose.usedWhole")}</p>}
      </div>
      {nobody && (
        <div className="note" role="alert">
          <p>{t("pose.nobody")}</p>
          <button type="button" className="button small" onClick={() => look(true)}>
            {t("pose.useWhole")}
          </button>
        </div>
      )}
      {estimate.error ? <ErrorNote error={estimate.error} onRetry={() => look(false)} /> : null}
      {draft.pictureId && (
        <details>
          <summary>{t("common.more")}</summary>
          <Slider
            label={t("pose.minScore")}
            min={0}
            max={0.9}
            step={0.05}
            value={draft.minScore}
            valueText={`${Math.round(draft.minScore * 100)}%`}
            stops={[t("pose.scoreAll"), t("pose.scoreSure")]}
            onChange={(minScore) => change({ minScore })}
          />
          <small className="hint">{t("pose.minScoreHint")}</small>
        </details>
      )}
      <div className="row">
        {draft.pictureId && (
          <button type="button" className="button small" disabled={estimate.isPending} onClick={() => look(false)}>
            {t("pose.estimate")}
          </button>
        )}
        <button type="button" className="button small" onClick={place}>
          {t("pose.place")}
        </button>
      </div>
    </section>
  );
}
