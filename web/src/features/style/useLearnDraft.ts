import { useTranslation } from "react-i18next";
import type { StyleMethod } from "@/shared/api/models";
import { useDraft } from "@/shared/drafts";

export type LearnDraft = {
  name: string;
  pictureIds: string[];
  preset: "quick" | "standard";
  methods: StyleMethod[];
  /** How strongly the style is learned: 2 learns twice as long as 1. */
  strength: number;
  mine: boolean;
  /** The style to learn again, as its next version; null for a new one. */
  styleId: string | null;
};

export function useLearnDraft(projectId: string) {
  const { t } = useTranslation();
  return useDraft<LearnDraft>(projectId, "learn", {
    name: t("style.defaultName"),
    pictureIds: [],
    preset: "standard",
    methods: ["lora", "dreamstyler"],
    strength: 1,
    mine: false,
    styleId: null,
  });
}
