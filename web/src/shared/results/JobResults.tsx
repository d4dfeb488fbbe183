import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result } from "@/shared/api/models";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { PictureView } from "@/shared/ui/Picture";
import { ResultButtons } from "./ResultButtons";
import { SaveDialog } from "./SaveDialog";
import { StyleReading } from "./StyleReading";

type Props = { job: Job; onUseSeed: (seed: number) => void; onRedraw?: (job: Job, result: Result) => void };

/** The pictures a finished job drew: keep them, download them, or draw with the same number again. */
export function JobResults({ job, onUseSeed, onRedraw }: Props) {
  const { t } = useTranslation();
  const [saving, setSaving] = useState<string[] | null>(null);
  const title = jobTitle(t, job);
  const drawnInStyle = job.kind === "background" && Array.isArray(job.request.styles) && job.request.styles.length > 0;
  const seeThrough = job.request.transparent_background === true;
  const alt = (result: Result) => t("assets.resultAlt", { title, number: result.index + 1 });
  return (
    <>
      <div className="results">
        {job.results.map((result) => (
          <figure key={result.id} className={seeThrough ? "result see-through" : "result"}>
            <PictureView id={result.id} src={result.url} alt={alt(result)} />
            {drawnInStyle && <StyleReading resultId={result.id} />}
            <figcaption className="row">
              <ResultButtons
                job={job}
                result={result}
                title={title}
                onSave={() => setSaving([result.id])}
                onUseSeed={onUseSeed}
                onRedraw={onRedraw && (() => onRedraw(job, result))}
              />
            </figcaption>
          </figure>
        ))}
      </div>
      {job.results.length > 1 && (
        <button
          type="button"
          className="button small"
          onClick={() => setSaving(job.results.map((result) => result.id))}
        >
          {t("assets.saveAll", { count: job.results.length })}
        </button>
      )}
      {saving && <SaveDialog job={job} resultIds={saving} onClose={() => setSaving(null)} />}
    </>
  );
}
