import { useTranslation } from "react-i18next";
import { saveFrom } from "@/shared/download";

/** The gateway packs at most so many chosen assets at once. */
const MOST_IN_A_ZIP = 500;

type Props = {
  projectId: string;
  chosen: ReadonlySet<string>;
  busy: boolean;
  onStar: () => void;
  onFile: (what: "folder" | "tags") => void;
  /** With exactly two chosen. */
  onCompare: (() => void) | undefined;
  onThrowAway: () => void;
  onClear: () => void;
};

/** What can be done with everything that is ticked. */
export function SelectionBar({ projectId, chosen, busy, onStar, onFile, onCompare, onThrowAway, onClear }: Props) {
  const { t } = useTranslation();
  const tooMany = chosen.size > MOST_IN_A_ZIP;
  const zip = () => {
    const query = new URLSearchParams([...chosen].map((id) => ["asset", id]));
    saveFrom(`/api/v1/projects/${encodeURIComponent(projectId)}/assets.zip?${query}`);
  };
  return (
    <section className="selection-bar" aria-label={t("assets.selection")}>
      <strong role="status">{t("assets.chosen", { count: chosen.size })}</strong>
      <button type="button" className="button primary small" disabled={tooMany} onClick={zip}>
        {t("assets.zipChosen")}
      </button>
      {tooMany && <small className="hint">{t("assets.zipLimit", { count: MOST_IN_A_ZIP })}</small>}
      <button type="button" className="button small" aria-keyshortcuts="." onClick={onStar}>
        ★ {t("assets.starChosen")}
      </button>
      <button type="button" className="button small" onClick={() => onFile("folder")}>
        {t("assets.moveChosen")}
      </button>
      <button type="button" className="button small" onClick={() => onFile("tags")}>
        {t("assets.tagChosen")}
      </button>
      {onCompare && (
        <button type="button" className="button small" aria-keyshortcuts="C" onClick={onCompare}>
          {t("assets.compare")}
        </button>
      )}
      <button type="button" className="button small" aria-keyshortcuts="Delete" disabled={busy} onClick={onThrowAway}>
        {t("assets.throwAwayChosen")}
      </button>
      <button type="button" className="button quiet small" onClick={onClear}>
        {t("assets.clearChosen")}
      </button>
    </section>
  );
}
