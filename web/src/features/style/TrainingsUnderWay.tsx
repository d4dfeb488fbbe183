import { JobCard } from "@/shared/jobs/JobCard";
import { useJobs } from "@/shared/jobs/useJobs";

/** Trainings that wait, run, or ended without a style since the last one that ended well. */
export function TrainingsUnderWay({ projectId }: { projectId: string }) {
  const trainings = useJobs(projectId).data?.filter((job) => job.kind === "training") ?? [];
  const lastGood = trainings.findIndex((job) => job.state === "succeeded");
  const shown = lastGood === -1 ? trainings : trainings.slice(0, lastGood);
  return shown.map((job) => <JobCard key={job.id} job={job} />);
}
