import { useQuery } from "@tanstack/react-query";
import { allPages, api, unwrap } from "@/shared/api/client";

export const stylesKey = (projectId: string) => ["styles", projectId];

/** The styles a project has learned. */
export function useStyles(projectId: string) {
  return useQuery({
    queryKey: stylesKey(projectId),
    queryFn: () =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/v1/projects/{project_id}/styles", {
            params: { path: { project_id: projectId }, query: { cursor } },
          }),
        ),
      ),
  });
}
