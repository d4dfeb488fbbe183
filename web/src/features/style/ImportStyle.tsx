import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { newIdempotencyKey } from "@/shared/api/idempotency";
import { fileSize } from "@/shared/fileSize";
import { stylesKey } from "@/shared/styles/useStyles";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { useToast } from "@/shared/ui/Toasts";

const ENDING = ".safetensors";
/** What the gateway takes at most. */
const MAX_STYLE_BYTES = 160 * 1024 * 1024;
const MAX_NAME = 80;

/** A style file that another program saved, brought in as a style to draw in. */
export function ImportStyle({ projectId, onClose }: { projectId: string; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const toast = useToast();
  const input = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState<File | null>(null);
  const [name, setName] = useState("");
  // Sent once more after a lost answer, the same file under the same name becomes no second style.
  const key = useMemo(newIdempotencyKey, [chosen, name]);
  const [refusal, setRefusal] = useState<string | null>(null);
  const bring = useMutation({
    mutationFn: (file: File) =>
      unwrap(
        api.POST("/api/v1/projects/{project_id}/styles/import", {
          params: { path: { project_id: projectId }, header: { "idempotency-key": key } },
          body: { file: "", name: name.trim() },
          bodySerializer: () => {
            const form = new FormData();
            form.append("file", file);
            form.append("name", name.trim());
            return form;
          },
        }),
      ),
    onSuccess: async (style) => {
      await client.invalidateQueries({ queryKey: stylesKey(projectId) });
      toast(t("style.imported", { name: style.name }));
      onClose();
    },
  });
  const take = (file: File | undefined) => {
    if (!file) return;
    const good = file.name.toLowerCase().endsWith(ENDING) && file.size <= MAX_STYLE_BYTES;
    bring.reset();
    setRefusal(good ? null : t("style.importRefused", { name: file.name }));
    setChosen(good ? file : null);
    if (good && !name.trim()) setName(file.name.slice(0, -ENDING.length).slice(0, MAX_NAME));
  };
  const missing = (!chosen && t("style.importNeedsFile")) || (!name.trim() && t("style.needName"));
  const send = () => {
    if (chosen && !missing && !bring.isPending) bring.mutate(chosen);
  };
  return (
    <Dialog title={t("style.import")} onClose={onClose}>
      <p className="hint">{t("style.importText")}</p>
      <Form onSubmit={send}>
        <section
          className="dropzone"
          aria-label={t("style.importFile")}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            take(event.dataTransfer.files[0]);
          }}
        >
          {chosen && (
            <p>
              <strong>{chosen.name}</strong> <span className="hint">{fileSize(i18n.language, chosen.size)}</span>
            </p>
          )}
          <input
            ref={input}
            type="file"
            hidden
            accept={ENDING}
            aria-label={t("style.importFile")}
            onChange={(event) => {
              take(event.target.files?.[0]);
              event.target.value = "";
            }}
          />
          <button type="button" className="button" disabled={bring.isPending} onClick={() => input.current?.click()}>
            {chosen ? t("style.importOther") : t("style.importFile")}
          </button>
          <small className="hint">{t("style.importLimits")}</small>
        </section>
        {refusal && (
          <p className="note note-error" role="alert">
            {refusal}
          </p>
        )}
        <Field
          label={t("style.name")}
          required
          maxLength={MAX_NAME}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <p className="hint">{t("style.importRights")}</p>
        {bring.error ? <ErrorNote error={bring.error} /> : null}
        <div className="row end">
          <span className="hint" role="status">
            {bring.isPending ? t("style.importing") : missing}
          </span>
          <button type="submit" className="button primary" disabled={Boolean(missing) || bring.isPending}>
            {t("style.importNow")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
