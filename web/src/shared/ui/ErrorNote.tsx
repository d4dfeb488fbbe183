import { useTranslation } from "react-i18next";
import { ApiError } from "@/shared/api/errors";
import { errorText } from "./errorText";

/** What failed, in words, with a way to try again and a code to quote. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const code = error instanceof ApiError ? [error.reason, error.requestId].filter(Boolean).join(" · ") : null;
  return (
    <div className="note note-error" role="alert">
      <p>{errorText(error)}</p>
      <div className="row">
        {onRetry && (
          <button type="button" className="button small" onClick={onRetry}>
            {t("common.tryAgain")}
          </button>
        )}
        {code && <small className="code">{t("common.code", { code })}</small>}
      </div>
    </div>
  );
}
