import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { NewToken } from "./NewToken";

const TOKENS = ["tokens"];

/** Tokens for programs: what there is, without the secrets, and the way to make and to take back. */
export function TokensSection() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const tokens = useQuery({ queryKey: TOKENS, queryFn: () => unwrap(api.GET("/api/v1/tokens")) });
  const remove = useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: TOKENS }),
  });
  const day = (at: string) => new Date(at).toLocaleDateString(i18n.language, { dateStyle: "medium" });
  return (
    <section className="card stack" aria-labelledby="settings-tokens">
      <div className="row spread">
        <h2 id="settings-tokens">{t("settings.tokens")}</h2>
        <button type="button" className="button small" onClick={() => setMaking(true)}>
          {t("settings.newToken")}
        </button>
      </div>
      <p className="hint">{t("settings.tokensText")}</p>
      {tokens.isError && <ErrorNote error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {remove.error ? <ErrorNote error={remove.error} /> : null}
      <ul className="plain lines">
        {tokens.data?.items.map((token) => (
          <li key={token.id} className="row spread">
            <span>
              <strong>{token.label}</strong> <span className="state">{t(`settings.scopes.${token.scope}`)}</span>
              <small className="hint block">
                {t("settings.madeOn", { date: day(token.created_at) })} ·{" "}
                {token.last_used_at ? t("settings.usedOn", { date: day(token.last_used_at) }) : t("settings.neverUsed")}
              </small>
            </span>
            <button
              type="button"
              className="button quiet small"
              aria-label={t("settings.takeBackNamed", { name: token.label })}
              disabled={remove.isPending}
              onClick={() => remove.mutate(token.id)}
            >
              {t("settings.takeBack")}
            </button>
          </li>
        ))}
      </ul>
      {making && <NewToken onClose={() => setMaking(false)} />}
    </section>
  );
}
