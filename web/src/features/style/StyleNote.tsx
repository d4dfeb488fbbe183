import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Style } from "@/shared/api/models";
import { stylesKey } from "@/shared/styles/useStyles";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";

const MAX_NOTE = 2000;

/** What the artist wants to remember of a version. */
export function StyleNote({ style }: { style: Style }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [note, setNote] = useState(style.note);
  const keep = useMutation({
    mutationFn: () =>
      unwrap(api.PATCH("/api/v1/styles/{style_id}", { params: { path: { style_id: style.id } }, body: { note } })),
    onSuccess: () => client.invalidateQueries({ queryKey: stylesKey(style.project_id) }),
  });
  return (
    <details open={style.note !== ""}>
      <summary>{t("style.note")}</summary>
      <Form className="stack tight" onSubmit={() => keep.mutate()}>
        <textarea
          rows={2}
          maxLength={MAX_NOTE}
          aria-label={t("style.noteOf", { name: style.name, version: style.version })}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        {keep.error ? <ErrorNote error={keep.error} /> : null}
        <div className="row end">
          <span className="hint" role="status">
            {keep.isSuccess && note === style.note && t("style.noteKept")}
          </span>
          <button type="submit" className="button small" disabled={note === style.note || keep.isPending}>
            {t("common.save")}
          </button>
        </div>
      </Form>
    </details>
  );
}
