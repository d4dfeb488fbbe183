import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Job, NewAsset } from "@/shared/api/models";
import { FolderField } from "@/shared/filing/FolderField";
import { foldersKey } from "@/shared/filing/useFolders";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { useToast } from "@/shared/ui/Toasts";

const MAX_SUGGESTED_NAME = 30;

type Props = { job: Job; resultIds: string[]; onClose: () => void };

/** Names what was drawn and files it among the project's assets. */
export function SaveDialog({ job, resultIds, onClose }: Props) {
  const { t } = useTranslation();
  const toast = useToast();
  const client = useQueryClient();
  const prompt = typeof job.request.prompt === "string" ? job.request.prompt.slice(0, MAX_SUGGESTED_NAME) : "";
  const [name, setName] = useState(prompt || t(`jobs.kind.${job.kind}`));
  const [folder, setFolder] = useState("");
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/v1/projects/{project_id}/assets", {
          params: { path: { project_id: job.project_id } },
          // A gateway of the version before, beside this one during an upgrade, knows no folders.
          body: { name: name.trim(), result_ids: resultIds, ...(folder.trim() && { folder }) } as NewAsset,
        }),
      ),
    onSuccess: (asset) => {
      client.removeQueries({ queryKey: ["assets", job.project_id] }); // read from the first page on, when it is looked at
      void client.invalidateQueries({ queryKey: foldersKey(job.project_id) });
      toast(t("assets.saved", { name: asset.name }));
      onClose();
    },
  });
  return (
    <Dialog title={t("assets.saveTitle")} onClose={onClose}>
      <Form onSubmit={() => save.mutate()}>
        <Field
          label={t("assets.name")}
          value={name}
          required
          maxLength={80}
          onChange={(event) => setName(event.target.value)}
        />
        <FolderField projectId={job.project_id} value={folder} onChange={setFolder} />
        {save.error ? <ErrorNote error={save.error} /> : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={save.isPending || !name.trim()}>
            {t("assets.save")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
