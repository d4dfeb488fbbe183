import { useTranslation } from "react-i18next";
import type { StyleMethod } from "@/shared/api/models";
import { useDraft } from "@/shared/drafts";

export type LearnDraft = {
  name: string;
  pictureIds: string[];
  preset: "quick" | "standard";
  methods: StyleMethod[];
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
    mine: false,
    styleId: null,
  });
}
