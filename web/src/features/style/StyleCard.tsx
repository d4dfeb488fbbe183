import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import type { Style } from "@/shared/api/models";
import { fileSize } from "@/shared/fileSize";
import { stylesKey } from "@/shared/styles/useStyles";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { PictureView } from "@/shared/ui/Picture";

/** One learned style: pictures drawn in it while it was learned, the files to take along, and the way on. */
export function StyleCard({ style }: { style: Style }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/styles/{style_id}", { params: { path: { style_id: style.id } } })),
    onSuccess: async () => {
      setAsking(false);
      await client.invalidateQueries({ queryKey: stylesKey(style.project_id) });
    },
  });
  const samples = style.sample_urls.map((url, index) => ({ id: `${style.id}:${index}`, url, number: index + 1 }));
  const learned = new Date(style.created_at).toLocaleString(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <article className="card stack" aria-label={style.name}>
      <div className="row spread">
        <h3>{style.name}</h3>
        <small className="hint">{learned}</small>
      </div>
      {style.sample_urls.length > 0 && (
        <div className="samples">
          {samples.map(({ id, url, number }) => (
            <PictureView key={id} id={id} src={url} alt={t("style.sampleAlt", { name: style.name, number })} />
          ))}
        </div>
      )}
      <div className="row">
        <Link className="button primary small" to={`/projects/${style.project_id}/background`}>
          {t("style.drawWith")}
        </Link>
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
      {asking && (
        <ConfirmDialog
          title={t("style.deleteTitle")}
          text={t("style.deleteText", { name: style.name })}
          action={t("common.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsking(false)}
        />
      )}
    </article>
  );
}
