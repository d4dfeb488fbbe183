import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Asset } from "@/shared/api/models";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { PictureView } from "@/shared/ui/Picture";

export function AssetCard({ asset }: { asset: Asset }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const created = new Date(asset.created_at).toLocaleDateString(i18n.language, { dateStyle: "medium" });
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/assets/{asset_id}", { params: { path: { asset_id: asset.id } } })),
    onSuccess: async () => {
      setAsking(false);
      await client.invalidateQueries({ queryKey: ["assets", asset.project_id] });
    },
  });
  return (
    <li className="card asset">
      <div className={asset.files.length > 1 ? "asset-pictures many" : "asset-pictures"}>
        {asset.files.map((file) => (
          <PictureView
            key={file.id}
            id={file.id}
            src={file.url}
            alt={t("assets.resultAlt", { title: asset.name, number: file.index + 1 })}
          />
        ))}
      </div>
      <strong>{asset.name}</strong>
      <small className="hint">
        {t(`assets.kind.${asset.kind}`)} · {t("assets.files", { count: asset.files.length })} · {created}
      </small>
      <div className="row">
        {asset.files.map((file) => (
          <a key={file.id} className="button small" href={file.url} download={`${asset.name}-${file.index + 1}.png`}>
            {asset.files.length > 1 ? t("assets.downloadNumber", { number: file.index + 1 }) : t("assets.download")}
          </a>
        ))}
        <button type="button" className="button quiet small" onClick={() => setAsking(true)}>
          {t("common.delete")}
        </button>
      </div>
      {asking && (
        <ConfirmDialog
          title={t("assets.deleteTitle")}
          text={t("assets.deleteText", { name: asset.name, count: asset.files.length })}
          action={t("common.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}
