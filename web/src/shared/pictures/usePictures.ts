import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { allPages, api, unwrap } from "@/shared/api/client";
import type { Picture } from "@/shared/api/models";
import { uploadPicture } from "@/shared/api/uploads";

const key = (projectId: string) => ["pictures", projectId];

/** All pictures uploaded to a project, in the order they came. */
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
    select: (pictures) => [...pictures].sort((one, other) => one.created_at.localeCompare(other.created_at)),
  });
}

/** Uploads files one after another; each is told as it arrives, and the good ones are kept when one is refused. */
export function useUpload(projectId: string, onPicture: (picture: Picture) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (files: File[]) => {
      const refused: { filename: string; error: unknown }[] = [];
      for (const file of files) {
        try {
          const picture = await uploadPicture(projectId, file);
          client.setQueryData<Picture[]>(key(projectId), (all) => (all ? [...all, picture] : all));
          onPicture(picture);
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
