import { type ClipboardEvent, type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ACCEPTED_TYPES, MAX_UPLOAD_BYTES } from "@/shared/api/uploads";

type Props = {
  label: string;
  multiple?: boolean;
  busy: boolean;
  /** Whether files dropped or pasted anywhere on the page come here. */
  everywhere?: boolean;
  onFiles: (files: File[]) => void;
  children?: ReactNode;
};

/** A panel that takes pictures by drop, paste or the file picker. */
export function Dropzone({ label, multiple = false, busy, everywhere = false, onFiles, children }: Props) {
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
    event.preventDefault(); // so that the page does not take it once more
    setOver(false);
    take(event.dataTransfer.files);
  };
  const paste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    take(event.clipboardData.files);
  };
  useFilesAnywhere(everywhere && !busy, take);

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

/** Takes what is dropped or pasted on the page, but not over a dialog, and not what another panel has taken. */
function useFilesAnywhere(on: boolean, take: (files: FileList | null) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (!on) return;
    const files = (event: Event, list: FileList | undefined) => {
      if (event.defaultPrevented || !list?.length || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      latest.current(list);
    };
    const drop = (event: globalThis.DragEvent) => files(event, event.dataTransfer?.files);
    const paste = (event: globalThis.ClipboardEvent) => files(event, event.clipboardData?.files);
    const over = (event: globalThis.DragEvent) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); // or the browser would open the file
    };
    window.addEventListener("drop", drop);
    window.addEventListener("paste", paste);
    window.addEventListener("dragover", over);
    return () => {
      window.removeEventListener("drop", drop);
      window.removeEventListener("paste", paste);
      window.removeEventListener("dragover", over);
    };
  }, [on]);
}
