import type { TFunction } from "i18next";
import type { Job } from "@/shared/api/models";

const LONG_SECONDS = 600;
const MINUTE_SECONDS = 60;
const COARSE_SECONDS = 5;

/** "about 40 s", "over 10 min", or "measuring" before the first measured step. */
export function timeLeft(t: TFunction, job: Job): string {
  const seconds = job.seconds_left;
  if (seconds === null || seconds === undefined) return t("jobs.measuring");
  if (seconds > LONG_SECONDS) return t("jobs.overTenMinutes");
  if (seconds >= MINUTE_SECONDS) return t("jobs.aboutMinutes", { count: Math.round(seconds / MINUTE_SECONDS) });
  const coarse = Math.max(1, Math.ceil(seconds / COARSE_SECONDS) * COARSE_SECONDS);
  return t("jobs.aboutSeconds", { count: coarse });
}
