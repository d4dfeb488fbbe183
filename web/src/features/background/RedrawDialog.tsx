import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { ApiError } from "@/shared/api/errors";
import type { Job, Result } from "@/shared/api/models";
import { uploadPicture } from "@/shared/api/uploads";
import { startOf, useStartJob } from "@/shared/jobs/useStartJob";
import type { ChosenStyle } from "@/shared/styles/chosen";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { Slider } from "@/shared/ui/Slider";
import { MaskCanvas } from "./MaskCanvas";
import { maskFile, type Stroke } from "./mask";
import { PromptField } from "./PromptField";

const USUAL_BRUSH = 0.06;
const USUAL_STRENGTH = 0.8;

type Props = { job: Job; result: Result; title: string; onClose: () => void };

async function asFile(result: Result): Promise<File> {
  const answer = await fetch(result.url);
  if (!answer.ok) throw new ApiError(answer.status, "LINK_EXPIRED", "", null);
  return new File([await answer.blob()], `${result.id}.png`, { type: "image/png" });
}

/** Paint over a part of a drawing and have only that drawn again; every other pixel stays as it is. */
export function RedrawDialog({ job, result, title, onClose }: Props) {
  const { t } = useTranslation();
  const run = useStartJob();
  const [strokes, setStrokes] = useState<Stroke[]>([]);
  const [brush, setBrush] = useState(USUAL_BRUSH);
  const [strength, setStrength] = useState(USUAL_STRENGTH);
  const [prompt, setPrompt] = useState(typeof job.request.prompt === "string" ? job.request.prompt : "");
  const painted = strokes.length > 0;

  const draw = () => {
    if (!painted || run.isPending) return;
    const start = startOf(async (headers) => {
      const picture = await uploadPicture(job.project_id, await asFile(result));
      const mask = await uploadPicture(job.project_id, await maskFile(strokes, result));
      return unwrap(
        api.POST("/api/v1/projects/{project_id}/backgrounds", {
          params: { path: { project_id: job.project_id } },
          body: {
            prompt: prompt.trim(),
            negative_prompt: "",
            picture_id: picture.id,
            mask_picture_id: mask.id,
            strength,
            enlarge: 1,
            styles: (job.request.styles as ChosenStyle[] | undefined) ?? [],
          },
          headers,
        }),
      );
    });
    run.mutate(start, { onSuccess: onClose });
  };

  return (
    <Dialog title={t("background.redrawTitle")} wide onClose={onClose}>
      <Form className="stack" onSubmit={draw}>
        <p className="hint">{t("background.redrawText")}</p>
        <MaskCanvas
          result={result}
          alt={title}
          radius={(brush * Math.max(result.width, result.height)) / 2}
          strokes={strokes}
          onChange={setStrokes}
        />
        <div className="row">
          <button
            type="button"
            className="button small"
            disabled={!painted}
            onClick={() => setStrokes(strokes.slice(0, -1))}
          >
            ↶ {t("background.unpaint")}
          </button>
          <button type="button" className="button small" disabled={!painted} onClick={() => setStrokes([])}>
            {t("background.unpaintAll")}
          </button>
        </div>
        <Slider
          label={t("background.brush")}
          min={0.01}
          max={0.3}
          step={0.01}
          value={brush}
          valueText={`${Math.round(brush * 100)}%`}
          onChange={setBrush}
        />
        <Slider
          label={t("background.redrawStrength")}
          min={0.1}
          max={1}
          step={0.05}
          value={strength}
          valueText={`${Math.round(strength * 100)}%`}
          onChange={setStrength}
        />
        <PromptField prompt={prompt} onChange={setPrompt} />
        {run.error ? <ErrorNote error={run.error} /> : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={!painted || run.isPending}>
            {t("background.redraw")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
