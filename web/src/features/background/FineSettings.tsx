import { useTranslation } from "react-i18next";
import { Slider } from "@/shared/ui/Slider";
import { type BackgroundDraft, SCHEDULERS } from "./useBackgroundDraft";

const GUIDES = ["style", "content", "avoid"] as const;
/** What the services take where nothing is said. */
const USUAL_GUIDE = { style: 0.5, content: 3, avoid: 5 };
const MOST_GUIDE = 15;
const USUAL_LINES = 1;
const USUAL_PALETTE = 1;

type Props = { draft: BackgroundDraft; change: (part: Partial<BackgroundDraft>) => void };

/** What most drawings need not decide: how strictly lines and colours are kept, and how a picture is computed. */
export function FineSettings({ draft, change }: Props) {
  const { t } = useTranslation();
  const told = (value: number | null) => (value === null ? t("background.usual") : String(value));
  const oneMethod = draft.styles.some((style) => style.method === "dreamstyler");
  return (
    <>
      {draft.pictureId && (
        <Slider
          label={t("background.lines")}
          min={0}
          max={2}
          step={0.1}
          value={draft.lineControl ?? USUAL_LINES}
          valueText={told(draft.lineControl)}
          stops={[t("background.linesFree"), t("background.linesKept")]}
          onChange={(lineControl) => change({ lineControl })}
        />
      )}
      {draft.pictureId && draft.styles.length > 0 && (
        <Slider
          label={t("background.palette")}
          min={0}
          max={1}
          step={0.05}
          value={draft.palette ?? USUAL_PALETTE}
          valueText={told(draft.palette)}
          stops={[t("background.palettePhoto"), t("background.paletteMine")]}
          onChange={(palette) => change({ palette })}
        />
      )}
      {oneMethod &&
        GUIDES.map((guide) => (
          <Slider
            key={guide}
            label={t(`background.guides.${guide}`)}
            min={0}
            max={MOST_GUIDE}
            step={0.5}
            value={draft.guides[guide] ?? USUAL_GUIDE[guide]}
            valueText={told(draft.guides[guide])}
            onChange={(value) => change({ guides: { ...draft.guides, [guide]: value } })}
          />
        ))}
      <fieldset className="segments labelled">
        <legend>{t("background.scheduler")}</legend>
        {SCHEDULERS.map((scheduler) => (
          <button
            key={scheduler}
            type="button"
            aria-pressed={scheduler === draft.scheduler}
            title={scheduler === "usual" ? undefined : t(`background.technical.${scheduler}`)}
            onClick={() => change({ scheduler })}
          >
            {t(`background.schedulers.${scheduler}`)}
          </button>
        ))}
      </fieldset>
    </>
  );
}
