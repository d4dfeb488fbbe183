import { useTranslation } from "react-i18next";
import type { Job } from "@/shared/api/models";
import { usePictures } from "@/shared/pictures/usePictures";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { reasonText } from "@/shared/ui/errorText";
import { Progress } from "@/shared/ui/Progress";
import { CheckpointStrip, firstPicture } from "./CheckpointStrip";
import { JobStateMark } from "./JobStateMark";
import { jobTitle } from "./jobTitle";
import { LossCurve } from "./LossCurve";
import { isOver, percentOf } from "./state";
import { timeLeft } from "./timeLeft";
import { useCancelJob, useRetryJob } from "./useJobs";
import { useLiveJob } from "./useLiveJob";

const ANNOUNCE_EVERY_PERCENT = 25;

/** One job: what it is, how far it is, how long it will take, and the way to stop it or to try again. */
export function JobCard({ job }: { job: Job }) {
  const { t } = useTranslation();
  useLiveJob(job);
  const cancel = useCancelJob();
  const retry = useRetryJob();
  const percent = percentOf(job);
  const title = jobTitle(t, job);
  const line =
    job.state === "queued"
      ? t("jobs.waiting", { position: job.queue_position ?? 0 })
      : t("jobs.steps", { done: job.steps_done, total: job.steps_total, percent, left: timeLeft(t, job) });
  return (
    <article className="card job" data-state={job.state} aria-label={title}>
      <div className="row spread">
        <h3>{title}</h3>
        <JobStateMark job={job} />
      </div>
      {!isOver(job) && (
        <>
          {job.preview_url && <img className="job-preview" src={job.preview_url} alt={t("jobs.preview")} />}
          <Progress label={title} done={job.steps_done} total={job.steps_total} valueText={line} />
          <div className="row spread">
            <span className="hint">{line}</span>
            <button
              type="button"
              className="button small"
              disabled={job.cancel_requested || cancel.isPending}
              onClick={() => cancel.mutate(job.id)}
            >
              {job.cancel_requested ? t("jobs.stopping") : t("jobs.cancel")}
            </button>
          </div>
          <span className="sr-only" role="status">
            {t("jobs.announce", { percent: percent - (percent % ANNOUNCE_EVERY_PERCENT) })}
          </span>
        </>
      )}
      {job.kind === "training" && <Learning job={job} />}
      {job.error && (
        <div className="note note-error">
          <p>{reasonText(job.error.reason, job.error.message)}</p>
          <small className="code">{t("common.code", { code: `${job.error.reason} · ${job.id}` })}</small>
        </div>
      )}
      {(job.state === "failed" || job.state === "cancelled") && (
        <button type="button" className="button small" disabled={retry.isPending} onClick={() => retry.mutate(job.id)}>
          {t("common.tryAgain")}
        </button>
      )}
      {cancel.error || retry.error ? <ErrorNote error={cancel.error ?? retry.error} /> : null}
    </article>
  );
}

/** How a training goes: what it draws along the way, and how far off it is. */
function Learning({ job }: { job: Job }) {
  const pictures = usePictures(job.project_id).data;
  return (
    <>
      <CheckpointStrip of={job.id} samples={job.checkpoint_samples} own={firstPicture(job, pictures)} />
      <LossCurve losses={job.losses} />
    </>
  );
}
