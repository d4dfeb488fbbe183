import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { api, unwrap } from "@/shared/api/client";
import type { Finding } from "@/shared/api/models";
import type { LearnDraft } from "./useLearnDraft";

/** What the gateway notices about the chosen pictures before anything is learned from them. */
export function useCheck(projectId: string, draft: LearnDraft, pictureIds: string[]) {
  const { methods, preset, strength } = draft;
  const asked = useDeferredValue([...pictureIds].sort().join(" "));
  return useQuery({
    queryKey: ["check", projectId, asked, methods, preset, strength],
    enabled: asked !== "" && methods.length > 0,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: false,
    queryFn: () =>
      unwrap(
        api.POST("/api/v1/projects/{project_id}/trainings/check", {
          params: { path: { project_id: projectId } },
          body: { picture_ids: asked.split(" "), methods, preset, style_strength: strength },
        }),
      ),
  });
}

/** What was found about one picture. */
export function ofPicture(findings: Finding[] | undefined, pictureId: string): Finding[] {
  return findings?.filter((one) => one.picture_id === pictureId) ?? [];
}
