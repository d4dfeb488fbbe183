import { useTranslation } from "react-i18next";

const ZOOM = 1.5;

type Props = { zoomed: boolean; onZoom: (factor: number) => void; onFit: () => void };

/** Nearer, further, and all of it: for fingers and keys, which have no wheel. */
export function ViewButtons({ zoomed, onZoom, onFit }: Props) {
  const { t } = useTranslation();
  return (
    <div className="view-buttons">
      <button type="button" className="button icon" aria-label={t("pose.zoomIn")} onClick={() => onZoom(ZOOM)}>
        +
      </button>
      <button
        type="button"
        className="button icon"
        aria-label={t("pose.zoomOut")}
        disabled={!zoomed}
        onClick={() => onZoom(1 / ZOOM)}
      >
        −
      </button>
      <button type="button" className="button small" disabled={!zoomed} onClick={onFit}>
        {t("pose.fit")}
      </button>
    </div>
  );
}
