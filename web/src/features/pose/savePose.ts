import { api, unwrap } from "@/shared/api/client";
import { ApiError } from "@/shared/api/errors";
import type { Pose } from "@/shared/api/models";
import type { PoseDraft } from "./usePoseDraft";

function create(projectId: string, draft: PoseDraft): Promise<Pose> {
  return unwrap(
    api.POST("/api/v1/projects/{project_id}/poses", {
      params: { path: { project_id: projectId } },
      body: {
        width: draft.width,
        height: draft.height,
        people: draft.people,
        picture_id: draft.pictureId ?? undefined,
      },
    }),
  );
}

/** The id under which the gateway knows the pose as it is on the screen now. */
export async function savePose(projectId: string, draft: PoseDraft): Promise<string> {
  if (draft.poseId === null) return (await create(projectId, draft)).id;
  if (!draft.edited) return draft.poseId;
  try {
    const path = { pose_id: draft.poseId };
    return (await unwrap(api.PUT("/api/v1/poses/{pose_id}", { params: { path }, body: { people: draft.people } }))).id;
  } catch (error) {
    // Deleted elsewhere meanwhile: what is on the screen is still the artist's work.
    if (error instanceof ApiError && error.status === 404) return (await create(projectId, draft)).id;
    throw error;
  }
}
