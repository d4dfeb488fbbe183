import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { remember } from "@/shared/session";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";
import { AccountPage } from "./AccountPage";
import { useEnter } from "./useEnter";

export function SignUpPage() {
  const { t, i18n } = useTranslation();
  const location = useLocation();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useEnter(async () => {
    const locale = i18n.language === "en" ? "en" : "ko";
    const body = { email: email.trim(), password, name: name.trim(), locale } as const;
    return remember(await unwrap(api.POST("/api/v1/accounts", { body })));
  });
  return (
    <AccountPage title={t("account.signUp")}>
      <Form onSubmit={() => enter.mutate()} className="stack">
        <Field
          label={t("account.name")}
          hint={t("account.nameHint")}
          name="name"
          autoComplete="nickname"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label={t("account.email")}
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <PasswordField value={password} isNew onChange={setPassword} />
        {enter.error ? <ErrorNote error={enter.error} /> : null}
        <button type="submit" className="button primary wide" disabled={enter.isPending}>
          {t("account.start")}
        </button>
      </Form>
      <p>
        {t("account.haveAccount")}{" "}
        <Link to="/sign-in" state={location.state}>
          {t("account.signIn")}
        </Link>
      </p>
    </AccountPage>
  );
}
