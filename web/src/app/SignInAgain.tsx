import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { SESSION_KEY, signIn } from "@/shared/session";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";

type Props = {
  email: string;
  /** The session has not ended yet: whoever closes the dialog stays on the page. */
  early?: boolean;
  onAnswer: (back: boolean) => void;
};

/** The password again, over the page that was being worked on. */
export function SignInAgain({ email, early = false, onAnswer }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const enter = useMutation({
    mutationFn: () => signIn(email, password),
    onSuccess: async (session) => {
      client.setQueryData(SESSION_KEY, session);
      onAnswer(true);
      await client.invalidateQueries();
    },
  });
  const leave = () => {
    onAnswer(false);
    if (early) return;
    client.setQueryData(SESSION_KEY, null);
    void navigate("/sign-in");
  };
  return (
    <Dialog title={t(early ? "account.staySignedIn" : "account.sessionEnded")} onClose={leave}>
      <p>{t(early ? "account.staySignedInText" : "account.sessionEndedText", { email })}</p>
      <Form onSubmit={() => enter.mutate()}>
        <input type="hidden" name="username" autoComplete="username" value={email} />
        <Field
          label={t("account.password")}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {enter.error ? <ErrorNote error={enter.error} /> : null}
        <div className="row end">
          <button type="submit" className="button primary" disabled={enter.isPending}>
            {t("account.signIn")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
