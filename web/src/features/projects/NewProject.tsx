import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";

/** A project needs a name only; making one opens it. */
export function NewProject() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const create = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/projects", { body: { name: name.trim() } })),
    onSuccess: async (project) => {
      void client.invalidateQueries({ queryKey: ["projects"] });
      await navigate(`/projects/${project.id}/style`);
    },
  });
  return (
    <Form onSubmit={() => create.mutate()} className="card new-project">
      <Field
        label={t("projects.name")}
        placeholder={t("projects.namePlaceholder")}
        required
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button primary" disabled={create.isPending || !name.trim()}>
        {t("projects.create")}
      </button>
      {create.error ? <ErrorNote error={create.error} /> : null}
    </Form>
  );
}
