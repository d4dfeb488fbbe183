const TRASH_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Whole days until something thrown away is deleted; 0 on the last day. */
export function daysLeft(deletedAt: string | null, now: number): number {
  if (deletedAt === null) return TRASH_DAYS;
  return Math.max(0, Math.floor(TRASH_DAYS - (now - Date.parse(deletedAt)) / DAY_MS));
}
