import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { sessionQuery } from "@/shared/session";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";

const SCOPES = ["read", "write"] as const;
const TOKENS = ["tokens"];

/** Makes a token, for which the password is asked; the secret is shown once. */
export function NewToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const email = useQuery(sessionQuery).data?.account.email ?? "";
  const [label, setLabel] = useState("");
  const [scope, setScope] = useState<(typeof SCOPES)[number]>("read");
  const [password, setPassword] = useState("");
  const make = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/tokens", { body: { email, password, label: label.trim(), scope } })),
    onSettled: () => client.invalidateQueries({ queryKey: TOKENS }),
  });
  if (make.data) return <ShownOnce secret={make.data.token} onClose={onClose} />;
  return (
    <Dialog title={t("settings.newToken")} onClose={onClose}>
      <Form onSubmit={() => make.mutate()}>
        <Field
          label={t("settings.tokenLabel")}
          hint={t("settings.tokenLabelHint")}
          required
          maxLength={80}
          value={label}
          onChange={(event) => setLabel(event.target.value)}
        />
        <fieldset className="choices">
          <legend>{t("settings.scope")}</legend>
          {SCOPES.map((value) => (
            <label key={value} className="choice">
              <input type="radio" name="scope" checked={scope === value} onChange={() => setScope(value)} />
              <span>
                {t(`settings.scopes.${value}`)}
                <small className="hint block">{t(`settings.scopeHints.${value}`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <PasswordField value={password} onChange={setPassword} />
        {make.error ? <ErrorNote error={make.error} /> : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={!label.trim() || !password || make.isPending}>
            {t("settings.makeToken")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

function ShownOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard.writeText(secret).then(() => setCopied(true));
  return (
    <Dialog title={t("settings.tokenMade")} onClose={onClose}>
      <p>{t("settings.tokenOnce")}</p>
      <output className="secret">{secret}</output>
      <div className="row end">
        <span className="hint" role="status">
          {copied && t("settings.copied")}
        </span>
        {navigator.clipboard && (
          <button type="button" className="button" onClick={copy}>
            {t("settings.copy")}
          </button>
        )}
        <button type="button" className="button primary" onClick={onClose}>
          {t("common.close")}
        </button>
      </div>
    </Dialog>
  );
}
