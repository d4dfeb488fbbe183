import { api, unwrap } from "./client";
import type { Picture } from "./models";

export const ACCEPTED_TYPES = ["image/png", "image/jpeg", "image/webp"];
export const MAX_UPLOAD_BYTES = 32 * 1024 * 1024;

/** Sends one picture; the gateway checks what it really is. */
export function uploadPicture(projectId: string, file: File): Promise<Picture> {
  return unwrap(
    api.POST("/api/v1/projects/{project_id}/pictures", {
      params: { path: { project_id: projectId } },
      body: { file: "" },
      bodySerializer: () => {
        const form = new FormData();
        form.append("file", file);
        return form;
      },
    }),
  );
}
