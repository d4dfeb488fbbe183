import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { startOf, useStartJob } from "@/shared/jobs/useStartJob";
import { usePictures } from "@/shared/pictures/usePictures";
import { useStyles } from "@/shared/styles/useStyles";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { LearnOptions } from "./LearnOptions";
import { LearnPictures } from "./LearnPictures";
import type { LearnDraft } from "./useLearnDraft";

type Props = { projectId: string; draft: LearnDraft; change: (part: Partial<LearnDraft>) => void };

/** Pictures, a name, the artist's word that the pictures may be used, and one button. */
export function LearnForm({ projectId, draft, change }: Props) {
  const { t } = useTranslation();
  const again = useStyles(projectId).data?.find((style) => style.id === draft.styleId);
  const pictures = usePictures(projectId);
  const known = new Set(pictures.data?.map((picture) => picture.id));
  const pictureIds = draft.pictureIds.filter((id) => known.has(id));
  const learn = useStartJob();

  const start = () =>
    learn.mutate(
      startOf((headers) =>
        unwrap(
          api.POST("/api/v1/projects/{project_id}/trainings", {
            params: { path: { project_id: projectId } },
            body: {
              name: draft.name.trim(),
              picture_ids: pictureIds,
              methods: draft.methods,
              preset: draft.preset,
              style_id: again?.id,
            },
            headers,
          }),
        ),
      ),
    );

  const missing =
    (pictureIds.length === 0 && t("style.needPictures")) ||
    (!draft.name.trim() && t("style.needName")) ||
    (draft.methods.length === 0 && t("style.needMethod")) ||
    (!draft.mine && t("style.needRights"));

  return (
    <Form className="stack" onSubmit={start}>
      <LearnPictures projectId={projectId} chosenIds={pictureIds} onChange={(ids) => change({ pictureIds: ids })} />
      <section className="card stack">
        <h2>{t("style.nameStep")}</h2>
        {again && (
          <div className="note">
            <p>{t("style.nextVersion", { name: again.name })}</p>
            <button type="button" className="button quiet small" onClick={() => change({ styleId: null })}>
              {t("style.asNewStyle")}
            </button>
          </div>
        )}
        <Field
          label={t("style.name")}
          required
          maxLength={80}
          value={draft.name}
          onChange={(event) => change({ name: event.target.value })}
        />
        <LearnOptions draft={draft} change={change} />
        <label className="check">
          <input type="checkbox" checked={draft.mine} onChange={(event) => change({ mine: event.target.checked })} />
          <span>
            {t("style.rights")}
            <small className="hint block">{t("style.rightsHint")}</small>
          </span>
        </label>
        {learn.error ? <ErrorNote error={learn.error} /> : null}
        <button
          type="submit"
          className="button primary wide"
          disabled={Boolean(missing) || learn.isPending}
          aria-describedby="learn-missing"
        >
          {t("style.learn", { count: pictureIds.length })}
        </button>
        <small id="learn-missing" className="hint" role="status">
          {missing}
        </small>
      </section>
    </Form>
  );
}
