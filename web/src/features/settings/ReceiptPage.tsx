import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { LanguageSwitch } from "@/shared/ui/LanguageSwitch";

const POLL_MS = 2000;
/** What an artist knows by name; the receipt also counts rows that only the studio knows. */
const THINGS = ["project", "picture", "style", "training", "pose", "result", "asset", "file"] as const;

/** The receipt of a deletion, for whoever has its address: when it was asked for, when it was done, and how much went. */
export function ReceiptPage() {
  const { t, i18n } = useTranslation();
  const { receiptId = "" } = useParams();
  const receipt = useQuery({
    queryKey: ["receipt", receiptId],
    queryFn: () => unwrap(api.GET("/api/v1/receipts/{receipt_id}", { params: { path: { receipt_id: receiptId } } })),
    refetchInterval: (query) => (query.state.data?.ended_at === null ? POLL_MS : false),
  });
  const when = (at: string) => new Date(at).toLocaleString(i18n.language, { dateStyle: "long", timeStyle: "medium" });
  const told = receipt.data;
  return (
    <main className="page narrow">
      <div className="row end">
        <LanguageSwitch />
      </div>
      <h1>{t("settings.receipt")}</h1>
      {receipt.isError && <ErrorNote error={receipt.error} onRetry={() => void receipt.refetch()} />}
      {told && (
        <div className="card stack">
          <p role="status">{told.ended_at ? t("settings.deleted") : t("settings.beingDeleted")}</p>
          <dl className="facts">
            <dt>{t("settings.receiptNumber")}</dt>
            <dd className="code">{told.id}</dd>
            <dt>{t("settings.requestedAt")}</dt>
            <dd>{when(told.requested_at)}</dd>
            {told.ended_at && (
              <>
                <dt>{t("settings.endedAt")}</dt>
                <dd>{when(told.ended_at)}</dd>
              </>
            )}
            {THINGS.filter((what) => told.deleted[what]).map((what) => (
              <Fragment key={what}>
                <dt>{t(`settings.things.${what}`)}</dt>
                <dd>{told.deleted[what]}</dd>
              </Fragment>
            ))}
          </dl>
          <p className="hint">{t("settings.receiptKeep")}</p>
        </div>
      )}
      <p>
        <Link to="/sign-in">{t("account.signIn")}</Link>
      </p>
    </main>
  );
}
