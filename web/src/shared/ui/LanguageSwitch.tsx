import { useTranslation } from "react-i18next";
import { chooseLanguage, LANGUAGES } from "@/shared/i18n";

const NAMES = { ko: "한국어", en: "English" };

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <fieldset className="segments">
      <legend className="sr-only">{t("common.language")}</legend>
      {LANGUAGES.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          aria-pressed={i18n.language === language}
          onClick={() => chooseLanguage(language)}
        >
          {NAMES[language]}
        </button>
      ))}
    </fieldset>
  );
}
