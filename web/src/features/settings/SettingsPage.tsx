import { useTranslation } from "react-i18next";
import { DataSection } from "./DataSection";
import { NoticesSection } from "./NoticesSection";
import { PasswordSection } from "./PasswordSection";
import { PersonSection } from "./PersonSection";
import { SessionsSection } from "./SessionsSection";
import { TokensSection } from "./TokensSection";
import { UsageSection } from "./UsageSection";

/** The account: who it is, where it is signed in, what it may use, and everything that is kept of it. */
export function SettingsPage() {
  const { t } = useTranslation();
  return (
    <>
      <h1>{t("settings.title")}</h1>
      <div className="columns two even">
        <div className="stack">
          <PersonSection />
          <PasswordSection />
          <SessionsSection />
          <NoticesSection />
        </div>
        <div className="stack">
          <UsageSection />
          <TokensSection />
          <DataSection />
        </div>
      </div>
    </>
  );
}
