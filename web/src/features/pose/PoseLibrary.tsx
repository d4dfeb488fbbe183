import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { allPages, api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { PictureView } from "@/shared/ui/Picture";
import { savePose } from "./savePose";
import { fromPose, type PoseDraft } from "./usePoseDraft";

type Props = { projectId: string; draft: PoseDraft; change: (part: Partial<PoseDraft>) => void };

const key = (projectId: string) => ["poses", projectId];

/** Every pose that was found or kept in this project, to be taken up again. */
export function PoseLibrary({ projectId, draft, change }: Props) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const changed = () => client.invalidateQueries({ queryKey: key(projectId) });
  const poses = useQuery({
    queryKey: key(projectId),
    queryFn: () =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/v1/projects/{project_id}/poses", {
            params: { path: { project_id: projectId }, query: { cursor } },
          }),
        ),
      ),
    select: (all) => all.filter((pose) => pose.people.length > 0),
  });
  const keep = useMutation({
    mutationFn: () => savePose(projectId, { ...draft, poseId: null }),
    onSuccess: (poseId) => {
      change({ poseId, edited: false });
      return changed();
    },
  });
  const remove = useMutation({
    mutationFn: (poseId: string) =>
      unwrap(api.DELETE("/api/v1/poses/{pose_id}", { params: { path: { pose_id: poseId } } })),
    onSettled: changed,
  });
  const named = (createdAt: string) =>
    new Date(createdAt).toLocaleString(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <section className="card stack" aria-labelledby="pose-library">
      <div className="row spread">
        <h2 id="pose-library">{t("pose.library")}</h2>
        <button
          type="button"
          className="button small"
          disabled={draft.people.length === 0 || keep.isPending}
          onClick={() => keep.mutate()}
        >
          {t("pose.keep")}
        </button>
      </div>
      {poses.isError && <ErrorNote error={poses.error} onRetry={() => void poses.refetch()} />}
      {keep.error || remove.error ? <ErrorNote error={keep.error ?? remove.error} /> : null}
      {poses.data?.length === 0 && <p className="hint">{t("pose.libraryEmpty")}</p>}
      {poses.data && poses.data.length > 0 && (
        <ul className="pose-library plain">
          {poses.data.map((pose) => (
            <li key={pose.id} className="tile chosen">
              <button
                type="button"
                className="thumb"
                aria-label={t("pose.usePose", { date: named(pose.created_at) })}
                aria-pressed={pose.id === draft.poseId}
                onClick={() => change({ ...fromPose(pose), pictureId: pose.picture_id })}
              >
                {pose.skeleton_url && <PictureView id={`pose:${pose.id}`} src={pose.skeleton_url} alt="" />}
              </button>
              <button
                type="button"
                className="button quiet icon tile-delete"
                aria-label={t("pose.deletePose", { date: named(pose.created_at) })}
                disabled={remove.isPending}
                onClick={() => {
                  if (pose.id === draft.poseId) change({ poseId: null, edited: true });
                  remove.mutate(pose.id);
                }}
              >
                ✕
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
