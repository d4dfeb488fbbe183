import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Job, JobKind, Result } from "@/shared/api/models";
import { JobCard } from "@/shared/jobs/JobCard";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { isOver } from "@/shared/jobs/state";
import { useJobs } from "@/shared/jobs/useJobs";
import { useShortcut } from "@/shared/shortcuts";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { JobResults } from "./JobResults";

type Props = {
  projectId: string;
  kind: JobKind;
  emptyTitle: string;
  emptyText: string;
  onUseSeed: (seed: number) => void;
  /** Where a part of a drawing can be drawn again. */
  onRedraw?: (job: Job, result: Result) => void;
};

/** What was asked for on one screen, newest first: jobs under way, then what earlier ones drew. */
export function ResultFeed({ projectId, kind, emptyTitle, emptyText, onUseSeed, onRedraw }: Props) {
  const { t } = useTranslation();
  const jobs = useJobs(projectId);
  const feed = useRef<HTMLDivElement>(null);
  useShortcut({ code: "KeyC" }, () => compareAt(feed.current));
  if (jobs.isPending) return <Skeletons count={2} label={t("common.loading")} />;
  if (!jobs.data) return <ErrorNote error={jobs.error} onRetry={() => void jobs.refetch()} />;
  const ours = jobs.data.filter((job) => job.kind === kind);
  if (ours.length === 0) return <Empty title={emptyTitle} text={emptyText} />;
  return (
    <div ref={feed} className="stack">
      {ours.map((job) => (
        <div key={job.id} className="stack">
          {isOver(job) && job.state === "succeeded" ? (
            <article className="card" aria-label={jobTitle(t, job)} data-state={job.state}>
              <h3>{jobTitle(t, job)}</h3>
              <JobResults job={job} onUseSeed={onUseSeed} onRedraw={onRedraw} />
            </article>
          ) : (
            <JobCard job={job} />
          )}
        </div>
      ))}
    </div>
  );
}

/** Opens the comparison of the drawing that has the focus, else of the one under the pointer, else of the newest. */
function compareAt(feed: HTMLElement | null): void {
  const figures = [":focus-within", ":hover", ""].map((state) => feed?.querySelector(`.result${state}`));
  figures.find(Boolean)?.querySelector<HTMLElement>("[data-key-compare]")?.click();
}
