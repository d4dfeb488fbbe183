import { useTranslation } from "react-i18next";
import type { Job, JobState } from "@/shared/api/models";
import { JobCard } from "@/shared/jobs/JobCard";
import { isOver } from "@/shared/jobs/state";
import { useJobs } from "@/shared/jobs/useJobs";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { useProjectId } from "@/shared/useProjectId";
import { JobRow } from "./JobRow";

const GROUPS: JobState[] = ["running", "queued", "failed", "succeeded", "cancelled"];

/** All work of the project by where it stands. */
export function JobsPage() {
  const { t } = useTranslation();
  const jobs = useJobs(useProjectId());
  const groups = GROUPS.map((state): [JobState, Job[]] => [
    state,
    jobs.data?.filter((job) => job.state === state) ?? [],
  ]);
  return (
    <>
      <h1>{t("jobs.title")}</h1>
      {jobs.isPending && <Skeletons count={3} label={t("common.loading")} />}
      {jobs.isError && <ErrorNote error={jobs.error} onRetry={() => void jobs.refetch()} />}
      {jobs.data?.length === 0 && <Empty title={t("jobs.empty")} text={t("jobs.emptyText")} />}
      {groups.map(
        ([state, list]) =>
          list.length > 0 && (
            <section key={state} className="stack" aria-labelledby={`jobs-${state}`}>
              <h2 id={`jobs-${state}`}>
                {t(`jobs.state.${state}`)} <span className="hint">{list.length}</span>
              </h2>
              {list.map((job) =>
                isOver(job) && state !== "failed" ? (
                  <JobRow key={job.id} job={job} />
                ) : (
                  <JobCard key={job.id} job={job} />
                ),
              )}
            </section>
          ),
      )}
    </>
  );
}
