import { useTranslation } from "react-i18next";
import { useRouteError } from "react-router";
import { ErrorNote } from "@/shared/ui/ErrorNote";

/** Shown when a page itself breaks; what was typed is kept in drafts. */
export function PageFailed() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <main className="page narrow">
      <h1>{t("common.pageFailed")}</h1>
      <ErrorNote error={error} onRetry={() => window.location.reload()} />
    </main>
  );
}
