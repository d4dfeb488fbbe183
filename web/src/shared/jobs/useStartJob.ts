import { useMutation, useQueryClient } from "@tanstack/react-query";
import { newIdempotencyKey } from "@/shared/api/idempotency";
import type { Job } from "@/shared/api/models";
import { rememberJob } from "./useJobs";

type Start = (headers: { "Idempotency-Key": string }) => Promise<Job>;

/** Starts a job; a transport failure is tried again under the same key, so that it starts at most once. */
export function useStartJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ start, headers }: { start: Start; headers: { "Idempotency-Key": string } }) => start(headers),
    retry: (count, error) => count < 2 && "status" in error && error.status === 0,
    onSuccess: (job) => rememberJob(client, job),
  });
}

export function startOf(start: Start) {
  return { start, headers: { "Idempotency-Key": newIdempotencyKey() } };
}
