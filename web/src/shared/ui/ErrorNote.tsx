import { useTranslation } from "react-i18next";
import { ApiError } from "@/shared/api/errors";
import { errorText } from "./errorText";

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
/** A shorter wait is not worth a sentence. */
const SHORT_SECONDS = 5;

/** What failed, in words, with a way to try again and a code to quote. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const told = error instanceof ApiError ? error : null;
  const code = told ? [told.reason, told.requestId].filter(Boolean).join(" · ") : null;
  const wait = told?.waitSeconds ?? 0;
  return (
    <div className="note note-error" role="alert">
      <p>{errorText(error)}</p>
      {wait > SHORT_SECONDS && (
        <p>
          {wait < MINUTE_SECONDS && t("common.waitSeconds", { count: wait })}
          {wait >= MINUTE_SECONDS &&
            wait < HOUR_SECONDS &&
            t("common.waitMinutes", { count: Math.ceil(wait / MINUTE_SECONDS) })}
          {wait >= HOUR_SECONDS && t("common.waitHours", { count: Math.ceil(wait / HOUR_SECONDS) })}
        </p>
      )}
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
