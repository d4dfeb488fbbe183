import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Job, JobKind } from "@/shared/api/models";
import { JobStateMark } from "@/shared/jobs/JobStateMark";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { PictureView } from "@/shared/ui/Picture";

const ROOMS: Record<JobKind, string> = { training: "style", background: "background", pose_transfer: "pose" };
const SECOND_MS = 1000;

function secondsTaken(job: Job): number | null {
  if (!job.started_at || !job.ended_at) return null;
  return Math.round((Date.parse(job.ended_at) - Date.parse(job.started_at)) / SECOND_MS);
}

/** An ended job in one line: what, when, how long, and the way to what it made. */
export function JobRow({ job }: { job: Job }) {
  const { t, i18n } = useTranslation();
  const taken = secondsTaken(job);
  const created = new Date(job.created_at).toLocaleString(i18n.language, { dateStyle: "short", timeStyle: "short" });
  const first = job.results[0];
  return (
    <article className="card job-row" aria-label={jobTitle(t, job)}>
      {first ? (
        <PictureView id={first.id} src={first.url} alt="" className="row-picture" />
      ) : (
        <span className="row-picture" />
      )}
      <div>
        <strong>{jobTitle(t, job)}</strong>
        <small className="hint block">
          {created}
          {taken !== null && <> · {t("jobs.took", { count: taken })}</>}
        </small>
      </div>
      <JobStateMark job={job} />
      <Link className="button small" to={`/projects/${job.project_id}/${ROOMS[job.kind]}`}>
        {t("jobs.open")}
      </Link>
    </article>
  );
}
