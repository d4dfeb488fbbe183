/** The gateway signs links for 15 minutes, and anew in every answer. */
const KEEP_MS = 10 * 60 * 1000;
const kept = new Map<string, { url: string; since: number }>();

/**
 * The link first given for a file, while it is fresh: lists are read again every few seconds, and a picture whose
 * link changed each time would be loaded again each time.
 */
export function steadyLink(fileId: string, url: string, now = Date.now()): string {
  const known = kept.get(fileId);
  if (known && now - known.since < KEEP_MS) return known.url;
  kept.set(fileId, { url, since: now });
  return url;
}

/** Called when a kept link no longer answers. */
export function dropLink(fileId: string): void {
  kept.delete(fileId);
}
