import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import type { JobState } from "@/shared/api/models";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { isOver } from "@/shared/jobs/state";
import { useJobs } from "@/shared/jobs/useJobs";
import { notify } from "@/shared/notices";
import { useToast } from "@/shared/ui/Toasts";

/** The rooms of one project, with the count of jobs under way; says so when one of them ends. */
export function ProjectNav({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  const toast = useToast();
  const project = useQuery({
    queryKey: ["project", projectId],
    queryFn: () => unwrap(api.GET("/api/v1/projects/{project_id}", { params: { path: { project_id: projectId } } })),
  });
  const jobs = useJobs(projectId).data;
  const states = useRef(new Map<string, JobState>());
  useEffect(() => {
    for (const job of jobs ?? []) {
      const before = states.current.get(job.id);
      const changed = before !== undefined && before !== job.state;
      if (changed && (job.state === "succeeded" || job.state === "failed")) {
        const text = t(`jobs.ended.${job.state}`, { title: jobTitle(t, job) });
        toast(text);
        notify(job.kind, job.id, text);
      }
      states.current.set(job.id, job.state);
    }
  }, [jobs, t, toast]);

  const active = jobs?.filter((job) => !isOver(job)).length ?? 0;
  return (
    <>
      <p className="rail-project" title={project.data?.name}>
        {project.data?.name ?? "…"}
      </p>
      <NavLink to={`/projects/${projectId}/style`}>{t("style.title")}</NavLink>
      <NavLink to={`/projects/${projectId}/background`}>{t("background.title")}</NavLink>
      <NavLink to={`/projects/${projectId}/pose`}>{t("pose.title")}</NavLink>
      <NavLink to={`/projects/${projectId}/assets`}>{t("assets.title")}</NavLink>
      <NavLink to={`/projects/${projectId}/jobs`}>
        {t("jobs.title")}
        {active > 0 && (
          <span className="badge">
            <span aria-hidden="true">{active}</span>
            <span className="sr-only">{t("jobs.active", { count: active })}</span>
          </span>
        )}
      </NavLink>
    </>
  );
}
