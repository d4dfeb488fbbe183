import i18next from "i18next";
import ICU from "i18next-icu";
import { initReactI18next } from "react-i18next";
import { en, ko } from "./dictionaries";

export const LANGUAGES = ["ko", "en"] as const;
export type Language = (typeof LANGUAGES)[number];
const STORED = "oma:language";

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === "ko" || stored === "en") return stored;
  return navigator.language.startsWith("en") ? "en" : "ko";
}

/** Whether somebody chose a language in this browser, rather than the browser itself. */
export function hasChosenLanguage(): boolean {
  return localStorage.getItem(STORED) !== null;
}

export async function startI18n(): Promise<void> {
  i18next.on("languageChanged", (language) => {
    document.documentElement.lang = language;
  });
  await i18next
    .use(ICU)
    .use(initReactI18next)
    .init({
      lng: firstLanguage(),
      fallbackLng: "en",
      resources: { ko: { translation: ko }, en: { translation: en } },
      interpolation: { escapeValue: false },
    });
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
  void i18next.changeLanguage(language);
}
