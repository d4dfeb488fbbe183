import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { SESSION_KEY, sessionQuery } from "@/shared/session";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PasswordField } from "@/shared/ui/PasswordField";

/** Asks for the e-mail, to be typed, and for the password; then everything goes, and a receipt stays. */
export function DeleteAccount({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const email = useQuery(sessionQuery).data?.account.email ?? "";
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const leave = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/account/deletion", { body: { password } })),
    onSuccess: async ({ receipt_id }) => {
      await navigate(`/receipts/${receipt_id}`);
      client.clear();
      client.setQueryData(SESSION_KEY, null);
      localStorage.clear();
    },
  });
  return (
    <Dialog title={t("settings.deleteTitle")} onClose={onClose}>
      <p>{t("settings.deleteList")}</p>
      <Form onSubmit={() => leave.mutate()}>
        <Field
          label={t("settings.typeEmail", { email })}
          type="email"
          autoComplete="off"
          required
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <PasswordField value={password} onChange={setPassword} />
        {leave.error ? <ErrorNote error={leave.error} /> : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button
            type="submit"
            className="button danger"
            disabled={typed.trim().toLowerCase() !== email || !password || leave.isPending}
          >
            {t("settings.deleteForever")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
