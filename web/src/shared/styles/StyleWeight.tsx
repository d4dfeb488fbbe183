import { useTranslation } from "react-i18next";
import type { Style, StyleMethod } from "@/shared/api/models";
import { Slider } from "@/shared/ui/Slider";
import type { ChosenStyle } from "./chosen";

type Props = {
  chosen: ChosenStyle;
  style: Style | undefined;
  methods: readonly StyleMethod[];
  /** The other style of the mix was learned from a single picture; two such cannot be mixed. */
  dreamstylerTaken: boolean;
  onChange: (chosen: ChosenStyle) => void;
};

/** How strongly one chosen style shows, and which of its two files draws. */
export function StyleWeight({ chosen, style, methods, dreamstylerTaken, onChange }: Props) {
  const { t } = useTranslation();
  if (!style) return null;
  const files = style.files.filter((file) => methods.includes(file.method));
  return (
    <div className="style-weight">
      {chosen.method === "lora" && (
        <Slider
          label={t("background.weight", { name: style.name })}
          min={0.1}
          max={1}
          step={0.05}
          value={chosen.weight}
          valueText={`${Math.round(chosen.weight * 100)}%`}
          onChange={(weight) => onChange({ ...chosen, weight })}
        />
      )}
      {files.length > 1 && (
        <fieldset className="segments">
          <legend className="sr-only">{t("background.way", { name: style.name })}</legend>
          {files.map((file) => (
            <button
              key={file.method}
              type="button"
              aria-pressed={file.method === chosen.method}
              title={t(`style.technical.${file.method}`)}
              disabled={file.method === "dreamstyler" && dreamstylerTaken}
              onClick={() => onChange({ ...chosen, method: file.method })}
            >
              {t(`style.methods.${file.method}`)}
            </button>
          ))}
        </fieldset>
      )}
    </div>
  );
}
