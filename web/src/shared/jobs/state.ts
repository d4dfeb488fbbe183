import type { Job } from "@/shared/api/models";

export function isOver(job: Job): boolean {
  return job.state === "succeeded" || job.state === "failed" || job.state === "cancelled";
}

/** The same job cannot be older than what is known: answers of two requests may arrive out of order. */
export function newer(known: Job | undefined, told: Job): Job {
  if (!known || known.id !== told.id) return told;
  if (isOver(known) && !isOver(told)) return known;
  return !isOver(told) && told.steps_done < known.steps_done ? { ...told, steps_done: known.steps_done } : told;
}

export function percentOf(job: Job): number {
  return job.steps_total > 0 ? Math.floor((100 * job.steps_done) / job.steps_total) : 0;
}
