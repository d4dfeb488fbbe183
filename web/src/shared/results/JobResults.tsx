import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result } from "@/shared/api/models";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { PictureView } from "@/shared/ui/Picture";
import { SaveDialog } from "./SaveDialog";

type Props = { job: Job; onUseSeed: (seed: number) => void };

/** The pictures a finished job drew: keep them, download them, or draw with the same number again. */
export function JobResults({ job, onUseSeed }: Props) {
  const { t } = useTranslation();
  const [saving, setSaving] = useState<string[] | null>(null);
  const title = jobTitle(t, job);
  const alt = (result: Result) => t("assets.resultAlt", { title, number: result.index + 1 });
  return (
    <>
      <div className="results">
        {job.results.map((result) => (
          <figure key={result.id} className="result">
            <PictureView id={result.id} src={result.url} alt={alt(result)} />
            <figcaption className="row">
              <button type="button" className="button small" onClick={() => setSaving([result.id])}>
                {t("assets.save")}
              </button>
              <a className="button small" href={result.url} download={`${title}-${result.index + 1}.png`}>
                {t("assets.download")}
              </a>
              <button
                type="button"
                className="button quiet small"
                title={t("assets.useSeedHint")}
                onClick={() => onUseSeed(result.seed)}
              >
                {t("assets.useSeed", { seed: String(result.seed) })}
              </button>
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
