import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { allPages, api, unwrap } from "@/shared/api/client";
import type { Picture } from "@/shared/api/models";
import { uploadPicture } from "@/shared/api/uploads";

const key = (projectId: string) => ["pictures", projectId];

/** All pictures uploaded to a project, oldest first as the gateway lists them. */
export function usePictures(projectId: string) {
  return useQuery({
    queryKey: key(projectId),
    queryFn: () =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/v1/projects/{project_id}/pictures", {
            params: { path: { project_id: projectId }, query: { cursor } },
          }),
        ),
      ),
  });
}

/** Uploads files one after another; the good ones are kept when one is refused. */
export function useUpload(projectId: string, onPicture: (picture: Picture) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (files: File[]) => {
      const refused: { filename: string; error: unknown }[] = [];
      for (const file of files) {
        try {
          onPicture(await uploadPicture(projectId, file));
        } catch (error) {
          refused.push({ filename: file.name, error });
        }
      }
      return refused;
    },
    onSettled: () => client.invalidateQueries({ queryKey: key(projectId) }),
  });
}

export function useDeletePicture(projectId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (pictureId: string) =>
      unwrap(api.DELETE("/api/v1/pictures/{picture_id}", { params: { path: { picture_id: pictureId } } })),
    onSettled: () => client.invalidateQueries({ queryKey: key(projectId) }),
  });
}
