import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { fileSize } from "@/shared/fileSize";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { DeleteAccount } from "./DeleteAccount";

const KEY = ["exports"];
const PACKING_POLL_MS = 2000;
const IDLE_POLL_MS = 5 * 60 * 1000; // their links die after a quarter of an hour

/** Take everything along, or have everything deleted. */
export function DataSection() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [deleting, setDeleting] = useState(false);
  const exports = useQuery({
    queryKey: KEY,
    queryFn: () => unwrap(api.GET("/api/v1/account/exports")),
    refetchInterval: (query) =>
      query.state.data?.items.some((one) => one.state === "queued" || one.state === "running")
        ? PACKING_POLL_MS
        : IDLE_POLL_MS,
  });
  const pack = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/account/exports")),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  const when = (at: string) => new Date(at).toLocaleString(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const packing = exports.data?.items.some((one) => one.state === "queued" || one.state === "running") ?? false;
  return (
    <section className="card stack" aria-labelledby="settings-data">
      <h2 id="settings-data">{t("settings.data")}</h2>
      <p className="hint">{t("settings.dataText")}</p>
      <div className="row">
        <button type="button" className="button" disabled={packing || pack.isPending} onClick={() => pack.mutate()}>
          {packing ? t("settings.packing") : t("settings.export")}
        </button>
      </div>
      {pack.error ? <ErrorNote error={pack.error} /> : null}
      {exports.isError && <ErrorNote error={exports.error} onRetry={() => void exports.refetch()} />}
      <ul className="plain lines">
        {exports.data?.items.map((one) => (
          <li key={one.id} className="row spread">
            <span>
              {when(one.created_at)} · {t(`jobs.state.${one.state}`)}
              {one.gone_at && one.url && (
                <small className="hint block">{t("settings.exportGone", { date: when(one.gone_at) })}</small>
              )}
            </span>
            {one.url && (
              <a className="button small" href={one.url} download="oh-my-assistant.zip">
                {t("settings.downloadExport", { size: fileSize(i18n.language, one.size_bytes ?? 0) })}
              </a>
            )}
          </li>
        ))}
      </ul>
      <hr />
      <p className="hint">{t("settings.deleteText")}</p>
      <div className="row">
        <button type="button" className="button danger" onClick={() => setDeleting(true)}>
          {t("settings.delete")}
        </button>
      </div>
      {deleting && <DeleteAccount onClose={() => setDeleting(false)} />}
    </section>
  );
}
