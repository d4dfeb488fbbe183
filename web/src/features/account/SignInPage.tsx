import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { signIn } from "@/shared/session";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";
import { AccountPage } from "./AccountPage";
import { useEnter } from "./useEnter";

export function SignInPage() {
  const { t } = useTranslation();
  const location = useLocation();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useEnter(() => signIn(email.trim(), password));
  return (
    <AccountPage title={t("account.signIn")}>
      <Form onSubmit={() => enter.mutate()} className="stack">
        <Field
          label={t("account.email")}
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <PasswordField value={password} onChange={setPassword} />
        {enter.error ? <ErrorNote error={enter.error} /> : null}
        <button type="submit" className="button primary wide" disabled={enter.isPending}>
          {t("account.signIn")}
        </button>
      </Form>
      <p>
        <Link to="/reset-password">{t("account.forgot")}</Link>
      </p>
      <p>
        {t("account.noAccount")}{" "}
        <Link to="/sign-up" state={location.state}>
          {t("account.signUp")}
        </Link>
      </p>
    </AccountPage>
  );
}
