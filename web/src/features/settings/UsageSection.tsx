import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { fileSize } from "@/shared/fileSize";
import { Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Progress } from "@/shared/ui/Progress";

/** What is stored and was made today, and how much may be. */
export function UsageSection() {
  const { t, i18n } = useTranslation();
  const usage = useQuery({ queryKey: ["usage"], queryFn: () => unwrap(api.GET("/api/v1/account/usage")) });
  const size = (bytes: number) => fileSize(i18n.language, bytes);
  const told = usage.data;
  return (
    <section className="card stack" aria-labelledby="settings-usage">
      <h2 id="settings-usage">{t("settings.usage")}</h2>
      {usage.isPending && <Skeletons count={1} label={t("common.loading")} />}
      {usage.isError && <ErrorNote error={usage.error} onRetry={() => void usage.refetch()} />}
      {told && (
        <>
          <Amount
            label={t("settings.storage")}
            used={told.storage_bytes}
            allowed={told.storage_bytes_allowed}
            write={size}
          />
          <Amount
            label={t("settings.trainingsToday")}
            used={told.trainings_today}
            allowed={told.trainings_a_day_allowed}
            write={String}
          />
          <Amount
            label={t("settings.drawingsToday")}
            used={told.drawings_today}
            allowed={told.drawings_a_day_allowed}
            write={String}
          />
          <p className="hint">
            {t("settings.newDay", {
              time: new Date(told.new_day_at).toLocaleTimeString(i18n.language, { timeStyle: "short" }),
            })}
          </p>
        </>
      )}
    </section>
  );
}

type Amounts = { label: string; used: number; allowed: number | null; write: (amount: number) => string };

function Amount({ label, used, allowed, write }: Amounts) {
  const { t } = useTranslation();
  const line =
    allowed === null
      ? t("settings.unbounded", { used: write(used) })
      : t("settings.ofAllowed", { used: write(used), allowed: write(allowed) });
  return (
    <div className="stack tight">
      <div className="row spread">
        <span>{label}</span>
        <span className="hint">{line}</span>
      </div>
      {allowed !== null && <Progress label={label} done={used} total={allowed} valueText={line} />}
    </div>
  );
}
