import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { allPages, api, unwrap } from "@/shared/api/client";
import type { Job } from "@/shared/api/models";
import { noticesAreOn } from "@/shared/notices";
import { stylesKey } from "@/shared/styles/useStyles";
import { isOver, newer } from "./state";

const BUSY_POLL_MS = 3000;
const IDLE_POLL_MS = 30_000;

export const jobsKey = (projectId: string) => ["jobs", projectId];

/** Every job of a project, newest first; asked for often while one is under way. */
export function useJobs(projectId: string) {
  return useQuery({
    queryKey: jobsKey(projectId),
    queryFn: () =>
      allPages((cursor) => unwrap(api.GET("/api/v1/jobs", { params: { query: { project_id: projectId, cursor } } }))),
    select: (jobs) => [...jobs].sort((one, other) => other.created_at.localeCompare(one.created_at)),
    // Nobody looks at a page in the background, except who wants to be told when work there ends.
    refetchIntervalInBackground: noticesAreOn(),
    refetchInterval: (query) => (query.state.data?.some((job) => !isOver(job)) ? BUSY_POLL_MS : IDLE_POLL_MS),
  });
}

/** Puts what was just told about a job where every screen sees it. */
export function rememberJob(client: QueryClient, told: Job): void {
  client.setQueryData<Job[]>(jobsKey(told.project_id), (jobs) => {
    if (!jobs) return jobs;
    const known = jobs.find((job) => job.id === told.id);
    return known ? jobs.map((job) => (job === known ? newer(known, told) : job)) : [told, ...jobs];
  });
  if (isOver(told) && told.kind === "training") {
    void client.invalidateQueries({ queryKey: stylesKey(told.project_id) });
  }
}

export function useCancelJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (jobId: string) =>
      unwrap(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId } } })),
    onSuccess: (job) => rememberJob(client, job),
  });
}

export function useRetryJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (jobId: string) =>
      unwrap(api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: jobId } } })),
    onSuccess: (job) => rememberJob(client, job),
  });
}
