import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";
import { daysLeft } from "./daysLeft";
import { renewLink } from "./useAssets";

type Props = { asset: Asset; busy: boolean; onRestore: () => void; onRemove: () => void };

/** One asset in the trash: how long it stays, the way back, and the way out. */
export function TrashCard({ asset, busy, onRestore, onRemove }: Props) {
  const { t } = useTranslation();
  const cover = asset.files[0];
  return (
    <article className="card asset" aria-label={asset.name}>
      <div className="asset-open">
        {cover && (
          <PictureView id={cover.id} src={cover.url} alt={asset.name} renew={() => renewLink(asset.id, cover.id)} />
        )}
      </div>
      <strong className="asset-name" title={asset.name}>
        {asset.name}
      </strong>
      <small className="hint">{t("assets.daysLeft", { count: daysLeft(asset.deleted_at, Date.now()) })}</small>
      <div className="row">
        <button type="button" className="button small" disabled={busy} onClick={onRestore}>
          {t("assets.restore")}
        </button>
        <button
          type="button"
          className="button quiet small"
          disabled={busy}
          aria-label={t("assets.removeNamed", { name: asset.name })}
          onClick={onRemove}
        >
          {t("assets.remove")}
        </button>
      </div>
    </article>
  );
}
