import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { allPages, api, unwrap } from "@/shared/api/client";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { NewProject } from "./NewProject";
import { ProjectCard } from "./ProjectCard";

export function ProjectsPage() {
  const { t } = useTranslation();
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: () => allPages((cursor) => unwrap(api.GET("/api/v1/projects", { params: { query: { cursor } } }))),
  });
  return (
    <>
      <h1>{t("projects.title")}</h1>
      <NewProject />
      {projects.isPending && <Skeletons count={3} label={t("common.loading")} />}
      {projects.isError && <ErrorNote error={projects.error} onRetry={() => void projects.refetch()} />}
      {projects.data?.length === 0 && <Empty title={t("projects.empty")} text={t("projects.emptyText")} />}
      {projects.data && (
        <ul className="grid plain">
          {projects.data.map((project) => (
            <ProjectCard key={project.id} project={project} />
          ))}
        </ul>
      )}
    </>
  );
}
