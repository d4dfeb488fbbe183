import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { browserName } from "./browserName";

const KEY = ["sessions"];

/** Every browser that is signed in, and the way to sign the others out. */
export function SessionsSection() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const sessions = useQuery({ queryKey: KEY, queryFn: () => unwrap(api.GET("/api/v1/sessions")) });
  const changed = { onSettled: () => client.invalidateQueries({ queryKey: KEY }) };
  const leaveOne = useMutation({
    mutationFn: (id: string) =>
      unwrap(api.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } } })),
    ...changed,
  });
  const leaveOthers = useMutation({ mutationFn: () => unwrap(api.DELETE("/api/v1/sessions")), ...changed });
  const error = leaveOne.error ?? leaveOthers.error;
  const when = (at: string) => new Date(at).toLocaleString(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const items = sessions.data?.items ?? [];
  return (
    <section className="card stack" aria-labelledby="settings-sessions">
      <div className="row spread">
        <h2 id="settings-sessions">{t("settings.sessions")}</h2>
        {items.length > 1 && (
          <button
            type="button"
            className="button small"
            disabled={leaveOthers.isPending}
            onClick={() => leaveOthers.mutate()}
          >
            {t("settings.leaveOthers")}
          </button>
        )}
      </div>
      {sessions.isPending && <Skeletons count={1} label={t("common.loading")} />}
      {sessions.isError && <ErrorNote error={sessions.error} onRetry={() => void sessions.refetch()} />}
      {error ? <ErrorNote error={error} /> : null}
      <ul className="plain lines">
        {items.map((session) => {
          const name = browserName(session.user_agent) ?? t("settings.unknownBrowser");
          return (
            <li key={session.id} className="row spread">
              <span title={session.user_agent}>
                <strong>{name}</strong>
                <small className="hint block">{t("settings.since", { date: when(session.created_at) })}</small>
              </span>
              {session.current ? (
                <span className="state">{t("settings.thisOne")}</span>
              ) : (
                <button
                  type="button"
                  className="button quiet small"
                  aria-label={t("settings.leaveNamed", { name })}
                  disabled={leaveOne.isPending}
                  onClick={() => leaveOne.mutate(session.id)}
                >
                  {t("account.signOut")}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
