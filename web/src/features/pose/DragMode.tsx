import { useTranslation } from "react-i18next";

type Props = {
  panning: boolean;
  adding: boolean;
  onPanning: (on: boolean) => void;
  onAdding: (on: boolean) => void;
  onAll: () => void;
};

/** What a drag beside the points does: it chooses several, or moves the view. */
export function DragMode({ panning, adding, ...on }: Props) {
  const { t } = useTranslation();
  return (
    <div className="row">
      <fieldset className="segments">
        <legend className="sr-only">{t("pose.dragBeside")}</legend>
        <button type="button" aria-pressed={!panning} onClick={() => on.onPanning(false)}>
          {t("pose.dragChooses")}
        </button>
        <button type="button" aria-pressed={panning} onClick={() => on.onPanning(true)}>
          {t("pose.dragPans")}
        </button>
      </fieldset>
      <button type="button" className="button small" aria-keyshortcuts="Control+A Meta+A" onClick={on.onAll}>
        {t("pose.chooseAll")}
      </button>
      <label className="check">
        <input type="checkbox" checked={adding} onChange={(event) => on.onAdding(event.target.checked)} />
        {t("pose.chooseMore")}
      </label>
    </div>
  );
}
