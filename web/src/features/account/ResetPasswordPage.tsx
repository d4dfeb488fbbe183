import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";
import { AccountPage } from "./AccountPage";

/** Asks for the letter; or, with the letter's secret behind the #, for the new password. */
export function ResetPasswordPage() {
  const { t } = useTranslation();
  const secret = useLocation().hash.slice(1);
  return (
    <AccountPage title={t("account.resetTitle")}>
      {secret ? <NewPassword secret={secret} /> : <AskForLetter />}
      <p>
        <Link to="/sign-in">{t("account.signIn")}</Link>
      </p>
    </AccountPage>
  );
}

function AskForLetter() {
  const { t } = useTranslation();
  const [email, setEmail] = useState("");
  const ask = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/password-resets", { body: { email: email.trim() } })),
  });
  if (ask.isSuccess) return <p role="status">{t("account.letterSent")}</p>;
  return (
    <Form onSubmit={() => ask.mutate()} className="stack">
      <Field
        label={t("account.email")}
        type="email"
        autoComplete="username"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      {ask.error ? <ErrorNote error={ask.error} /> : null}
      <button type="submit" className="button primary wide" disabled={ask.isPending}>
        {t("account.sendLetter")}
      </button>
    </Form>
  );
}

function NewPassword({ secret }: { secret: string }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const body = { secret, new_password: password };
  const choose = useMutation({ mutationFn: () => unwrap(api.POST("/api/v1/password-resets/confirm", { body })) });
  if (choose.isSuccess) return <p role="status">{t("account.passwordChanged")}</p>;
  return (
    <Form onSubmit={() => choose.mutate()} className="stack">
      <PasswordField isNew value={password} onChange={setPassword} />
      {choose.error ? <ErrorNote error={choose.error} /> : null}
      <button type="submit" className="button primary wide" disabled={choose.isPending}>
        {t("account.resetTitle")}
      </button>
    </Form>
  );
}
