import type { TFunction } from "i18next";
import type { Job } from "@/shared/api/models";

const text = (value: unknown) => (typeof value === "string" ? value.trim() : "");

/** What a job does, with the artist's own word for it where there is one. */
export function jobTitle(t: TFunction, job: Job): string {
  const own = text(job.request.name) || text(job.request.prompt);
  return own ? t(`jobs.titled.${job.kind}`, { own }) : t(`jobs.kind.${job.kind}`);
}
