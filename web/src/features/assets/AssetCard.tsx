import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";
import { download, renewLink } from "./useAssets";

type Props = {
  asset: Asset;
  chosen: boolean;
  onChoose: (id: string, range: boolean) => void;
  onOpen: (asset: Asset) => void;
  onStar: (asset: Asset) => void;
  onThrowAway: (asset: Asset) => void;
};

/** One asset: its picture opens it; a star, and a tick to do something with several. */
export const AssetCard = memo(function AssetCard({ asset, chosen, onChoose, onOpen, onStar, onThrowAway }: Props) {
  const { t, i18n } = useTranslation();
  const created = new Date(asset.created_at).toLocaleDateString(i18n.language, { dateStyle: "medium" });
  const cover = asset.files[0];
  const keys = (event: { code: string; preventDefault: () => void }) => {
    if (event.code === "Period") onStar(asset);
    else if (event.code === "Delete") onThrowAway(asset);
    else return;
    event.preventDefault();
  };
  return (
    <article className={chosen ? "card asset chosen" : "card asset"} aria-label={asset.name}>
      <button type="button" className="asset-open" onClick={() => onOpen(asset)} onKeyDown={keys}>
        {cover && (
          <PictureView
            id={cover.id}
            src={cover.url}
            alt={t("assets.open", { name: asset.name })}
            renew={() => renewLink(asset.id, cover.id)}
          />
        )}
        {asset.files.length > 1 && (
          <span className="asset-count">{t("assets.files", { count: asset.files.length })}</span>
        )}
      </button>
      <label className="asset-tick">
        <input
          type="checkbox"
          checked={chosen}
          aria-label={t("assets.choose", { name: asset.name })}
          onChange={(event) => onChoose(asset.id, (event.nativeEvent as MouseEvent).shiftKey === true)}
        />
      </label>
      <strong className="asset-name" title={asset.name}>
        {asset.name}
      </strong>
      <small className="hint">
        {[t(`assets.kind.${asset.kind}`), asset.folder, created].filter(Boolean).join(" · ")}
      </small>
      <div className="row">
        <button
          type="button"
          className="button quiet icon star"
          aria-pressed={asset.starred}
          aria-label={t("assets.star", { name: asset.name })}
          onClick={() => onStar(asset)}
        >
          {asset.starred ? "★" : "☆"}
        </button>
        {cover && (
          <button
            type="button"
            className="button quiet small"
            aria-label={t("assets.downloadNamed", { name: asset.name })}
            onClick={() => void download(asset, cover)}
          >
            {t("assets.download")}
          </button>
        )}
        <button
          type="button"
          className="button quiet small"
          aria-label={t("assets.throwAwayNamed", { name: asset.name })}
          onClick={() => onThrowAway(asset)}
        >
          {t("assets.throwAway")}
        </button>
      </div>
    </article>
  );
});
