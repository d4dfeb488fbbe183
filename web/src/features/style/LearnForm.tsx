import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { startOf, useStartJob } from "@/shared/jobs/useStartJob";
import { usePictures } from "@/shared/pictures/usePictures";
import { useStyles } from "@/shared/styles/useStyles";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { FindingText } from "./FindingText";
import { LearnOptions } from "./LearnOptions";
import { LearnPictures } from "./LearnPictures";
import { useCheck } from "./useCheck";
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
  const check = useCheck(projectId, draft, pictureIds).data;
  const findings = pictureIds.length > 0 ? check?.findings : undefined;

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
              style_strength: draft.strength,
            },
            headers,
          }),
        ),
      ),
    );

  const missing =
    (pictureIds.length === 0 && t("style.needPictures")) ||
    (!draft.name.trim() && t("style.needName")) ||
    (findings?.some((one) => one.is_error) && t("style.needOthers")) ||
    (draft.methods.length === 0 && t("style.needMethod")) ||
    (!draft.mine && t("style.needRights"));

  return (
    <Form className="stack" onSubmit={start}>
      <LearnPictures
        projectId={projectId}
        chosenIds={pictureIds}
        findings={findings}
        onChange={(ids) => change({ pictureIds: ids })}
      />
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
        {findings
          ?.filter((one) => one.picture_id === null)
          .map((one) => (
            <FindingText key={one.code} finding={one} />
          ))}
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
