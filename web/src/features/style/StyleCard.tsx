import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Style } from "@/shared/api/models";
import { StyleVersion } from "./StyleVersion";

type Props = {
  /** Every version of one style, the newest first; at least one. */
  versions: Style[];
  onLearnAgain: (style: Style) => void;
};

/** One learned style: the version in use, the others to choose from, and the way on. */
export function StyleCard({ versions, onLearnAgain }: Props) {
  const { t } = useTranslation();
  const used = versions.find((style) => style.in_use) ?? versions[0];
  if (!used) return null;
  const others = versions.filter((style) => style !== used);
  const waiting = others.filter((style) => style.version > used.version).length;
  return (
    <article className="card stack" aria-label={used.name}>
      <div className="row spread">
        <h3>{used.name}</h3>
        <span className="state state-succeeded">{t("style.inUse", { version: used.version })}</span>
      </div>
      <StyleVersion style={used} />
      <div className="row">
        <Link className="button primary small" to={`/projects/${used.project_id}/background`}>
          {t("style.drawWith")}
        </Link>
        <button type="button" className="button small" onClick={() => onLearnAgain(used)}>
          {t("style.learnAgain")}
        </button>
      </div>
      {others.length > 0 && (
        <details open={waiting > 0}>
          <summary>{t("style.otherVersions", { count: others.length })}</summary>
          <div className="stack">
            {others.map((style) => (
              <section key={style.id} className="stack tight version" aria-label={t("style.versionAlt", style)}>
                <strong>{t("style.version", { version: style.version })}</strong>
                <StyleVersion style={style} />
              </section>
            ))}
          </div>
        </details>
      )}
    </article>
  );
}
