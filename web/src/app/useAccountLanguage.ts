import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Session } from "@/shared/api/models";
import { chooseLanguage, hasChosenLanguage, LANGUAGES } from "@/shared/i18n";
import { SESSION_KEY, sessionQuery } from "@/shared/session";

/** The account's language on a new browser; and the language chosen here, for the letters that the account gets. */
export function useAccountLanguage(): void {
  const { i18n } = useTranslation();
  const client = useQueryClient();
  const known = useQuery(sessionQuery).data?.account.locale;
  const shown = LANGUAGES.find((language) => language === i18n.language);
  useEffect(() => {
    if (!known || !shown || known === shown) return;
    const accounts = LANGUAGES.find((language) => language === known);
    if (!hasChosenLanguage() && accounts) return chooseLanguage(accounts);
    unwrap(api.PATCH("/api/v1/account", { body: { locale: shown } })).then(
      (account) =>
        client.setQueryData<Session>(SESSION_KEY, (session) => (session ? { ...session, account } : session)),
      () => undefined, // the page speaks the language all the same
    );
  }, [client, known, shown]);
}
