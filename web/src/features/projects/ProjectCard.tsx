import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import type { Project } from "@/shared/api/models";
import { forgetDrafts } from "@/shared/drafts";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { RenameDialog } from "./RenameDialog";

export function ProjectCard({ project }: { project: Project }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const created = new Date(project.created_at).toLocaleDateString(i18n.language, { dateStyle: "medium" });
  const remove = useMutation({
    mutationFn: () =>
      unwrap(api.DELETE("/api/v1/projects/{project_id}", { params: { path: { project_id: project.id } } })),
    onSuccess: async () => {
      forgetDrafts(project.id);
      setOpen(null);
      await client.invalidateQueries({ queryKey: ["projects"] });
    },
  });
  return (
    <li className="card project">
      <Link to={`/projects/${project.id}/style`} className="project-open">
        <span className="project-cover" aria-hidden="true">
          {[...project.name][0]}
        </span>
        <strong>{project.name}</strong>
        <small className="hint">{t("projects.created", { date: created })}</small>
      </Link>
      <div className="row">
        <button type="button" className="button quiet small" onClick={() => setOpen("rename")}>
          {t("projects.rename")}
        </button>
        <button type="button" className="button quiet small" onClick={() => setOpen("delete")}>
          {t("common.delete")}
        </button>
      </div>
      {open === "rename" && <RenameDialog project={project} onClose={() => setOpen(null)} />}
      {open === "delete" && (
        <ConfirmDialog
          title={t("projects.deleteTitle")}
          text={t("projects.deleteText", { name: project.name })}
          action={t("common.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setOpen(null)}
        />
      )}
    </li>
  );
}
