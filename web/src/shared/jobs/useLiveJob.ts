import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Job } from "@/shared/api/models";
import { isOver } from "./state";
import { jobsKey, rememberJob } from "./useJobs";

/**
 * Follows one job by server-sent events while it is under way. The browser reconnects by itself and resumes after the
 * last event it saw; while it cannot, the polling of useJobs goes on underneath.
 */
export function useLiveJob(job: Job): void {
  const client = useQueryClient();
  const { id, project_id: projectId } = job;
  const live = !isOver(job);
  useEffect(() => {
    if (!live) return;
    const events = new EventSource(`/api/v1/jobs/${encodeURIComponent(id)}/events`);
    events.addEventListener("job", (event: MessageEvent<string>) => {
      const told = JSON.parse(event.data) as Job;
      rememberJob(client, told);
      if (isOver(told)) events.close();
    });
    events.addEventListener("error", () => void client.invalidateQueries({ queryKey: jobsKey(projectId) }));
    return () => events.close();
  }, [client, id, projectId, live]);
}
