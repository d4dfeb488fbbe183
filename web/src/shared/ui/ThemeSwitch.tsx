import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseTheme, chosenTheme, THEMES, type Theme } from "@/shared/theme";

export function ThemeSwitch() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const choose = (chosen: Theme) => {
    setTheme(chosen);
    chooseTheme(chosen);
  };
  return (
    <fieldset className="segments">
      <legend className="sr-only">{t("common.theme")}</legend>
      {THEMES.map((one) => (
        <button key={one} type="button" aria-pressed={one === theme} onClick={() => choose(one)}>
          {t(`common.themes.${one}`)}
        </button>
      ))}
    </fieldset>
  );
}
