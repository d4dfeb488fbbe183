import type { StyleMethod } from "@/shared/api/models";

/** A style to draw in: by which of its files, and how strongly. */
export type ChosenStyle = { style_id: string; method: StyleMethod; weight: number };

export const METHODS: readonly StyleMethod[] = ["lora", "dreamstyler"];

/** The chosen styles that still exist; one learned from a single picture draws at full strength only. */
export function stylesToSend(chosen: ChosenStyle[], known: Set<string>) {
  return chosen
    .filter((style) => known.has(style.style_id))
    .map(({ style_id, method, weight }) => ({ style_id, method, weight: method === "lora" ? weight : undefined }));
}
