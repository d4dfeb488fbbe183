import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Style } from "@/shared/api/models";
import { useStyles } from "@/shared/styles/useStyles";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { ImportStyle } from "./ImportStyle";
import { StyleCard } from "./StyleCard";

/** All versions of each style, the newest style and the newest version first. */
function byLineage(styles: Style[]): Style[][] {
  const lineages = new Map<string, Style[]>();
  for (const style of styles) lineages.set(style.lineage_id, [...(lineages.get(style.lineage_id) ?? []), style]);
  return [...lineages.values()].map((versions) => versions.sort((one, other) => other.version - one.version));
}

type Props = { projectId: string; onLearnAgain: (style: Style) => void };

export function LearnedStyles({ projectId, onLearnAgain }: Props) {
  const { t } = useTranslation();
  const styles = useStyles(projectId);
  const [importing, setImporting] = useState(false);
  return (
    <section className="stack" aria-labelledby="learned-styles">
      <div className="row spread">
        <h2 id="learned-styles">{t("style.learned")}</h2>
        <button type="button" className="button small" onClick={() => setImporting(true)}>
          {t("style.import")}
        </button>
      </div>
      {styles.isPending && <Skeletons count={2} label={t("common.loading")} />}
      {styles.isError && <ErrorNote error={styles.error} onRetry={() => void styles.refetch()} />}
      {styles.data?.length === 0 && <Empty title={t("style.empty")} text={t("style.emptyText")} />}
      {byLineage(styles.data ?? []).map((versions) => (
        <StyleCard key={versions[0]?.lineage_id} versions={versions} onLearnAgain={onLearnAgain} />
      ))}
      {importing && <ImportStyle projectId={projectId} onClose={() => setImporting(false)} />}
    </section>
  );
}
