import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Style } from "@/shared/api/models";
import { fileSize } from "@/shared/fileSize";
import { CheckpointStrip, firstPicture } from "@/shared/jobs/CheckpointStrip";
import { LossCurve } from "@/shared/jobs/LossCurve";
import { useJobs } from "@/shared/jobs/useJobs";
import { usePictures } from "@/shared/pictures/usePictures";
import { stylesKey } from "@/shared/styles/useStyles";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { PictureView } from "@/shared/ui/Picture";
import { StyleNote } from "./StyleNote";

/** One version: pictures drawn in it while it was learned, how the learning went, the files to take along. */
export function StyleVersion({ style }: { style: Style }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const changed = () => client.invalidateQueries({ queryKey: stylesKey(style.project_id) });
  const path = { params: { path: { style_id: style.id } } };
  const use = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/styles/{style_id}/use", path)),
    onSettled: changed,
  });
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/styles/{style_id}", path)),
    onSuccess: () => {
      setAsking(false);
      return changed();
    },
  });
  const job = useJobs(style.project_id).data?.find((one) => one.id === style.job_id);
  const pictures = usePictures(style.project_id).data;
  const losses = job?.losses ?? [];
  const samples = style.sample_urls.map((url, index) => ({ id: `${style.id}:${index}`, url, number: index + 1 }));
  const learned = new Date(style.created_at).toLocaleString(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <>
      <small className="hint">{t(style.imported ? "style.importedOn" : "style.learnedOn", { date: learned })}</small>
      {samples.length > 0 && (
        <div className="samples">
          {samples.map(({ id, url, number }) => (
            <PictureView key={id} id={id} src={url} alt={t("style.sampleAlt", { name: style.name, number })} />
          ))}
        </div>
      )}
      {style.checkpoint_samples.length > 0 && (
        <details>
          <summary>{t("style.onTheWay")}</summary>
          <CheckpointStrip of={style.id} samples={style.checkpoint_samples} own={firstPicture(job, pictures)} />
        </details>
      )}
      {losses.length > 1 && (
        <details>
          <summary>{t("style.howItWent")}</summary>
          <LossCurve losses={losses} />
        </details>
      )}
      <StyleNote style={style} />
      <div className="row">
        {!style.in_use && (
          <button type="button" className="button small" disabled={use.isPending} onClick={() => use.mutate()}>
            {t("style.useThis")}
          </button>
        )}
        {style.files.map((file) => (
          <a
            key={file.method}
            className="button small"
            title={t(`style.technical.${file.method}`)}
            href={`/api/v1/styles/${encodeURIComponent(style.id)}/export?method=${file.method}`}
            download
          >
            {t(`style.export.${file.method}`, { size: fileSize(i18n.language, file.size_bytes) })}
          </a>
        ))}
        <button type="button" className="button quiet small" onClick={() => setAsking(true)}>
          {t("common.delete")}
        </button>
      </div>
      {use.error ? <ErrorNote error={use.error} /> : null}
      {asking && (
        <ConfirmDialog
          title={t("style.deleteTitle")}
          text={t("style.deleteText", { name: style.name, version: style.version })}
          action={t("common.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
