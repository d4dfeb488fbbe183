import { useTranslation } from "react-i18next";
import { useStyles } from "@/shared/styles/useStyles";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { StyleCard } from "./StyleCard";

export function LearnedStyles({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  const styles = useStyles(projectId);
  return (
    <section className="stack" aria-labelledby="learned-styles">
      <h2 id="learned-styles">{t("style.learned")}</h2>
      {styles.isPending && <Skeletons count={2} label={t("common.loading")} />}
      {styles.isError && <ErrorNote error={styles.error} onRetry={() => void styles.refetch()} />}
      {styles.data?.length === 0 && <Empty title={t("style.empty")} text={t("style.emptyText")} />}
      {styles.data?.map((style) => (
        <StyleCard key={style.id} style={style} />
      ))}
    </section>
  );
}
