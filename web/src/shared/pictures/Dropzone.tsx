import { type ClipboardEvent, type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ACCEPTED_TYPES, MAX_UPLOAD_BYTES } from "@/shared/api/uploads";

type Props = {
  label: string;
  multiple?: boolean;
  busy: boolean;
  onFiles: (files: File[]) => void;
  children?: ReactNode;
};

/** A panel that takes pictures by drop, paste or the file picker. */
export function Dropzone({ label, multiple = false, busy, onFiles, children }: Props) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);

  const take = (list: FileList | null) => {
    const files = [...(list ?? [])].slice(0, multiple ? undefined : 1);
    const good = files.filter((file) => ACCEPTED_TYPES.includes(file.type) && file.size <= MAX_UPLOAD_BYTES);
    const bad = files.filter((file) => !good.includes(file)).map((file) => file.name);
    setRefusal(bad.length > 0 ? t("common.filesRefused", { names: bad.join(", ") }) : null);
    if (good.length > 0) onFiles(good);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  const paste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length > 0) take(event.clipboardData.files);
  };

  return (
    <section
      className={over ? "dropzone over" : "dropzone"}
      aria-label={label}
      aria-busy={busy}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      onPaste={paste}
    >
      {children}
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        accept={ACCEPTED_TYPES.join(",")}
        multiple={multiple}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
      <button type="button" className="button" disabled={busy} onClick={() => input.current?.click()}>
        {busy ? t("common.uploading") : label}
      </button>
      <small className="hint">{t("common.fileLimits")}</small>
      {refusal && (
        <p className="note note-error" role="alert">
          {refusal}
        </p>
      )}
    </section>
  );
}
