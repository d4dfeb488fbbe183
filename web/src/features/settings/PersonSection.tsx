import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Session } from "@/shared/api/models";
import { SESSION_KEY, sessionQuery } from "@/shared/session";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { LanguageSwitch } from "@/shared/ui/LanguageSwitch";
import { ThemeSwitch } from "@/shared/ui/ThemeSwitch";

/** Name, e-mail and whether it is verified, language and theme. */
export function PersonSection() {
  const { t } = useTranslation();
  const account = useQuery(sessionQuery).data?.account;
  if (!account) return null;
  return (
    <section className="card stack" aria-labelledby="settings-person">
      <h2 id="settings-person">{t("settings.person")}</h2>
      <NameForm name={account.name} />
      <div>
        <span className="label">{t("account.email")}</span>
        <p>{account.email}</p>
        {account.email_verified ? <p className="hint">✓ {t("settings.verified")}</p> : <NotVerified />}
      </div>
      <div className="row">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
    </section>
  );
}

function NameForm({ name }: { name: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [typed, setTyped] = useState(name);
  const rename = useMutation({
    mutationFn: () => unwrap(api.PATCH("/api/v1/account", { body: { name: typed.trim() } })),
    onSuccess: (account) =>
      client.setQueryData<Session>(SESSION_KEY, (session) => (session ? { ...session, account } : session)),
  });
  return (
    <Form className="stack tight" onSubmit={() => rename.mutate()}>
      <Field
        label={t("account.name")}
        value={typed}
        required
        maxLength={80}
        autoComplete="nickname"
        onChange={(event) => setTyped(event.target.value)}
      />
      {rename.error ? <ErrorNote error={rename.error} /> : null}
      <div className="row end">
        <button type="submit" className="button" disabled={typed.trim() === name || !typed.trim() || rename.isPending}>
          {t("common.save")}
        </button>
      </div>
    </Form>
  );
}

function NotVerified() {
  const { t } = useTranslation();
  const ask = useMutation({ mutationFn: () => unwrap(api.POST("/api/v1/email-verifications")) });
  return (
    <div className="stack tight">
      <p className="hint">{t("settings.notVerified")}</p>
      {ask.error ? <ErrorNote error={ask.error} /> : null}
      <div className="row">
        {ask.isSuccess ? (
          <p role="status">{t("settings.letterSent")}</p>
        ) : (
          <button type="button" className="button small" disabled={ask.isPending} onClick={() => ask.mutate()}>
            {t("settings.sendVerification")}
          </button>
        )}
      </div>
    </div>
  );
}
