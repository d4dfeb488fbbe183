import type { JobKind } from "@/shared/api/models";

export const NOTICED = ["training", "background", "pose_transfer"] as const satisfies readonly JobKind[];
const STORED = "oma:notices";

/** Whether this browser can tell of something outside the page. */
export const canNotify = () => "Notification" in window;

/** The kinds of jobs whose end is told outside the page; none until somebody asks for it. */
export function chosenNotices(): JobKind[] {
  const stored = (localStorage.getItem(STORED) ?? "").split(" ");
  return NOTICED.filter((kind) => stored.includes(kind));
}

export function chooseNotices(kinds: JobKind[]): void {
  localStorage.setItem(STORED, NOTICED.filter((kind) => kinds.includes(kind)).join(" "));
}

/** Whether the end of some jobs is told although nobody looks at the page: then they are followed there too. */
export const noticesAreOn = () => canNotify() && Notification.permission === "granted" && chosenNotices().length > 0;

/** Tells of an ended job outside the page, where that was asked for and nobody looks at the page. */
export function notify(kind: JobKind, jobId: string, text: string): void {
  if (!document.hidden || !noticesAreOn() || !chosenNotices().includes(kind)) return;
  try {
    const notice = new Notification("Oh My Assistant", { body: text, tag: jobId, icon: "/icon.svg" });
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
    });
  } catch (error) {
    // Some phones let only installed apps do this; the note on the page says it there.
    if (!(error instanceof TypeError)) throw error;
  }
}
