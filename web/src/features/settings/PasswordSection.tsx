import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";

/** A new password, for which the old one is asked; every other browser is signed out. */
export function PasswordSection() {
  const { t } = useTranslation();
  const [old, setOld] = useState("");
  const [chosen, setChosen] = useState("");
  const change = useMutation({
    mutationFn: () => unwrap(api.PUT("/api/v1/account/password", { body: { password: old, new_password: chosen } })),
    onSuccess: () => {
      setOld("");
      setChosen("");
    },
  });
  return (
    <section className="card stack" aria-labelledby="settings-password">
      <h2 id="settings-password">{t("account.resetTitle")}</h2>
      <Form className="stack" onSubmit={() => change.mutate()}>
        <PasswordField label={t("settings.oldPassword")} value={old} onChange={setOld} />
        <PasswordField label={t("settings.newPassword")} isNew value={chosen} onChange={setChosen} />
        {change.error ? <ErrorNote error={change.error} /> : null}
        <div className="row end">
          <span className="hint" role="status">
            {change.isSuccess && t("settings.passwordChanged")}
          </span>
          <button type="submit" className="button" disabled={!old || !chosen || change.isPending}>
            {t("settings.changePassword")}
          </button>
        </div>
      </Form>
    </section>
  );
}
