import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";

export const foldersKey = (projectId: string) => ["asset-folders", projectId];

/** The folders that a project's assets lie in, in their order; "" stands for none. */
export function useFolders(projectId: string) {
  return useQuery({
    queryKey: foldersKey(projectId),
    queryFn: () =>
      unwrap(api.GET("/api/v1/projects/{project_id}/folders", { params: { path: { project_id: projectId } } })),
  });
}
