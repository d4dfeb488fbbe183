import { useParams } from "react-router";

/** The project of the address; pages that use it stand under /projects/:projectId. */
export function useProjectId(): string {
  const { projectId } = useParams();
  if (!projectId) throw new Error("this page needs a project in its address");
  return projectId;
}
