import { useTranslation } from "react-i18next";
import type { StyleMethod } from "@/shared/api/models";
import { Slider } from "@/shared/ui/Slider";
import type { LearnDraft } from "./useLearnDraft";

const PRESETS = ["quick", "standard"] as const;
const METHODS: StyleMethod[] = ["lora", "dreamstyler"];

type Props = { draft: LearnDraft; change: (part: Partial<LearnDraft>) => void };

/** How long to learn, and (under More) by which of the two ways. */
export function LearnOptions({ draft, change }: Props) {
  const { t } = useTranslation();
  const toggle = (method: StyleMethod, on: boolean) =>
    change({ methods: METHODS.filter((other) => (other === method ? on : draft.methods.includes(other))) });
  return (
    <>
      <fieldset className="choices">
        <legend>{t("style.preset")}</legend>
        {PRESETS.map((preset) => (
          <label key={preset} className="choice">
            <input type="radio" name="preset" checked={draft.preset === preset} onChange={() => change({ preset })} />
            <span>
              {t(`style.presets.${preset}`)}
              <small className="hint block">{t(`style.presetHints.${preset}`)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <details>
        <summary>{t("common.more")}</summary>
        <fieldset className="choices">
          <legend>{t("style.ways")}</legend>
          {METHODS.map((method) => (
            <label key={method} className="choice" title={t(`style.technical.${method}`)}>
              <input
                type="checkbox"
                checked={draft.methods.includes(method)}
                onChange={(event) => toggle(method, event.target.checked)}
              />
              <span>
                {t(`style.methods.${method}`)}
                <small className="hint block">{t(`style.methodHints.${method}`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Slider
          label={t("style.strength")}
          min={0.5}
          max={2}
          step={0.1}
          value={draft.strength}
          valueText={t("style.times", { times: draft.strength })}
          stops={[t("style.strengthSoft"), t("style.strengthFull")]}
          onChange={(strength) => change({ strength })}
        />
      </details>
    </>
  );
}
