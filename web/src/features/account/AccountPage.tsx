import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { LanguageSwitch } from "@/shared/ui/LanguageSwitch";
import { WelcomeSlides } from "./WelcomeSlides";

/** The frame of the two pages that come before the studio. */
export function AccountPage({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="welcome">
      <section className="welcome-words">
        <img src="/icon.svg" alt="" width="56" height="56" />
        <p className="welcome-name">Oh My Assistant</p>
        <p className="welcome-line">{t("account.promise")}</p>
        <WelcomeSlides />
        <p>{t("account.promiseYours")}</p>
      </section>
      <main className="welcome-form">
        <div className="row end">
          <LanguageSwitch />
        </div>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
