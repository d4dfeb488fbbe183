import { useDraft } from "@/shared/drafts";
import type { ChosenStyle } from "@/shared/styles/chosen";

export const SCHEDULERS = ["usual", "ddim", "dpm-solver", "unipc"] as const;

export type BackgroundDraft = {
  prompt: string;
  negativePrompt: string;
  pictureId: string | null;
  /** 0 keeps the photograph, 1 leaves it behind. */
  strength: number;
  styles: ChosenStyle[];
  count: number;
  /** How many times each side grows after drawing. */
  enlarge: 1 | 2 | 4;
  /** As typed; empty lets the page choose a fresh number for each run. */
  seed: string;
  /** Null where the services decide. */
  lineControl: number | null;
  palette: number | null;
  guides: { style: number | null; content: number | null; avoid: number | null };
  scheduler: (typeof SCHEDULERS)[number];
  moreOpen: boolean;
};

export function useBackgroundDraft(projectId: string) {
  return useDraft<BackgroundDraft>(projectId, "background", {
    prompt: "",
    negativePrompt: "",
    pictureId: null,
    strength: 0.6,
    styles: [],
    count: 1,
    enlarge: 4,
    seed: "",
    lineControl: null,
    palette: null,
    guides: { style: null, content: null, avoid: null },
    scheduler: "usual",
    moreOpen: false,
  });
}
