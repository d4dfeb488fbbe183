import { useTranslation } from "react-i18next";
import type { Job, JobState } from "@/shared/api/models";

const MARKS: Record<JobState, string> = { queued: "◷", running: "▶", succeeded: "✓", failed: "!", cancelled: "–" };

/** A job's state as a sign and a word, never by colour alone. */
export function JobStateMark({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <span className={`state state-${job.state}`}>
      <span aria-hidden="true">{MARKS[job.state]}</span> {t(`jobs.state.${job.state}`)}
    </span>
  );
}
