import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "./Field";

type Props = { value: string; label?: string; isNew?: boolean; onChange: (password: string) => void };

export const MIN_PASSWORD_LENGTH = 10;

/** A password that can be shown, pasted, and kept by a password manager. */
export function PasswordField({ value, label, isNew = false, onChange }: Props) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  return (
    <div className="stack tight">
      <Field
        label={label ?? t("account.password")}
        hint={isNew ? t("account.passwordHint", { count: MIN_PASSWORD_LENGTH }) : undefined}
        type={shown ? "text" : "password"}
        name="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        minLength={isNew ? MIN_PASSWORD_LENGTH : undefined}
        required
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <label className="check">
        <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
        {t("account.showPassword")}
      </label>
    </div>
  );
}
