import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { AccountPage } from "./AccountPage";

/** Where the letter leads that asks whether an e-mail is right; a button, because mail programs open links by themselves. */
export function VerifyEmailPage() {
  const { t } = useTranslation();
  const body = { secret: useLocation().hash.slice(1) };
  const verify = useMutation({ mutationFn: () => unwrap(api.POST("/api/v1/email-verifications/confirm", { body })) });
  return (
    <AccountPage title={t("account.verifyTitle")}>
      {verify.error ? <ErrorNote error={verify.error} /> : null}
      {verify.isSuccess ? (
        <p role="status">{t("account.emailVerified")}</p>
      ) : (
        <button
          type="button"
          className="button primary wide"
          disabled={verify.isPending}
          onClick={() => verify.mutate()}
        >
          {t("account.verify")}
        </button>
      )}
      <p>
        <Link to="/">{t("account.start")}</Link>
      </p>
    </AccountPage>
  );
}
