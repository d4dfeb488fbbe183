import { useTranslation } from "react-i18next";
import type { PoseDraft } from "./usePoseDraft";

const FITS = ["pad", "crop"] as const;

type Props = { draft: PoseDraft; change: (part: Partial<PoseDraft>) => void };

/** Whose proportions are drawn, and what is drawn around the character. */
export function TransferOptions({ draft, change }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.ownProportions}
          onChange={(event) => change({ ownProportions: event.target.checked })}
        />
        <span>
          {t("pose.ownProportions")}
          <small className="hint block">{t("pose.ownProportionsHint")}</small>
        </span>
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.transparent}
          onChange={(event) => change({ transparent: event.target.checked })}
        />
        <span>
          {t("pose.transparent")}
          <small className="hint block">{t("pose.transparentHint")}</small>
        </span>
      </label>
      <fieldset className="segments labelled">
        <legend>{t("pose.fitPicture")}</legend>
        {FITS.map((fit) => (
          <button key={fit} type="button" aria-pressed={fit === draft.fit} onClick={() => change({ fit })}>
            {t(`pose.fits.${fit}`)}
          </button>
        ))}
      </fieldset>
    </>
  );
}
