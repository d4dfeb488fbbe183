import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { startOf, useStartJob } from "@/shared/jobs/useStartJob";
import { PictureWell } from "@/shared/pictures/PictureWell";
import { seedFrom } from "@/shared/seeds";
import { stylesToSend } from "@/shared/styles/chosen";
import { StyleChips } from "@/shared/styles/StyleChips";
import { useStyles } from "@/shared/styles/useStyles";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { MoreSettings } from "@/shared/ui/MoreSettings";
import { Slider } from "@/shared/ui/Slider";
import { useRunKey } from "@/shared/ui/useRunKey";
import { FineSettings } from "./FineSettings";
import { PromptField } from "./PromptField";
import type { BackgroundDraft } from "./useBackgroundDraft";

const MAX_RESULTS = 8;
const SIZES = [1, 2, 4] as const;

type Props = { projectId: string; draft: BackgroundDraft; change: (part: Partial<BackgroundDraft>) => void };

export function BackgroundForm({ projectId, draft, change }: Props) {
  const { t } = useTranslation();
  const run = useStartJob();
  const known = new Set<string>(useStyles(projectId).data?.map((style) => style.id));
  const prompt = draft.prompt.trim();
  const nothingToDraw = prompt === "" && draft.pictureId === null;

  const styles = stylesToSend(draft.styles, known);
  const drawn = styles.length > 0 && draft.pictureId !== null;
  const guided =
    styles.some((style) => style.method === "dreamstyler") &&
    Object.values(draft.guides).some((value) => value !== null);

  const draw = () => {
    if (nothingToDraw || run.isPending) return;
    run.mutate(
      startOf((headers) =>
        unwrap(
          api.POST("/api/v1/projects/{project_id}/backgrounds", {
            params: { path: { project_id: projectId } },
            body: {
              prompt,
              negative_prompt: draft.negativePrompt.trim() || undefined,
              picture_id: draft.pictureId ?? undefined,
              strength: draft.pictureId ? draft.strength : undefined,
              seed: seedFrom(draft.seed),
              count: draft.count,
              enlarge: draft.enlarge,
              line_control: draft.pictureId ? draft.lineControl : undefined,
              palette: drawn ? draft.palette : undefined,
              style_guidance: guided ? draft.guides : undefined,
              scheduler: draft.scheduler === "usual" ? undefined : draft.scheduler,
              styles,
            },
            headers,
          }),
        ),
      ),
    );
  };
  useRunKey(draw);

  return (
    <Form className="card stack" onSubmit={draw}>
      <PromptField prompt={draft.prompt} onChange={(text) => change({ prompt: text })} />
      <div className="field">
        <span className="label">{t("background.photo")}</span>
        <PictureWell
          projectId={projectId}
          label={t("background.addPhoto")}
          pictureId={draft.pictureId}
          everywhere
          onPick={(pictureId) => change({ pictureId })}
        />
      </div>
      {draft.pictureId && (
        <Slider
          label={t("background.strength")}
          min={0}
          max={1}
          step={0.05}
          value={draft.strength}
          valueText={`${Math.round(draft.strength * 100)}%`}
          stops={[t("background.stopPhoto"), t("background.stopBetween"), t("background.stopMine")]}
          onChange={(strength) => change({ strength })}
        />
      )}
      <StyleChips
        projectId={projectId}
        chosen={draft.styles}
        legend={t("background.styles")}
        without={t("background.noStyles")}
        onChange={(chosen) => change({ styles: chosen })}
      />
      <fieldset className="segments labelled">
        <legend>{t("background.size")}</legend>
        {SIZES.map((factor) => (
          <button
            key={factor}
            type="button"
            aria-pressed={factor === draft.enlarge}
            onClick={() => change({ enlarge: factor })}
          >
            {t("background.sizeTimes", { factor })}
          </button>
        ))}
      </fieldset>
      <MoreSettings
        open={draft.moreOpen}
        count={draft.count}
        maxCount={MAX_RESULTS}
        seed={draft.seed}
        avoid={draft.negativePrompt}
        onOpen={(moreOpen) => change({ moreOpen })}
        onCount={(count) => change({ count })}
        onSeed={(seed) => change({ seed })}
        onAvoid={(negativePrompt) => change({ negativePrompt })}
      >
        <FineSettings draft={draft} change={change} />
      </MoreSettings>
      {run.error ? <ErrorNote error={run.error} /> : null}
      <button
        type="submit"
        className="button primary wide"
        disabled={nothingToDraw || run.isPending}
        aria-describedby="background-missing"
        aria-keyshortcuts="Control+Enter Meta+Enter"
      >
        {t("background.draw")} <kbd aria-hidden="true">Ctrl ↵</kbd>
      </button>
      <small id="background-missing" className="hint" role="status">
        {nothingToDraw && t("background.needInput")}
      </small>
    </Form>
  );
}
