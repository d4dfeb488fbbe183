import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { saveFrom } from "@/shared/download";
import { fromOpenPose, NotOpenPose, toOpenPose } from "./openpose";
import type { PoseDraft } from "./usePoseDraft";

const MAX_FILE_BYTES = 4_000_000;

/** The skeleton as an OpenPose file, which other tools read and write. */
export function PoseFiles({ draft, change }: { draft: PoseDraft; change: (part: Partial<PoseDraft>) => void }) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [refusal, setRefusal] = useState<string | null>(null);

  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      if (file.size > MAX_FILE_BYTES) throw new NotOpenPose("too large");
      const read = fromOpenPose(await file.text(), draft);
      setRefusal(null);
      const another = draft.width !== read.width || draft.height !== read.height;
      // A pose the gateway knows keeps its size; of another size it is another pose, and without the picture.
      change({ ...read, personIndex: 0, edited: true, ...(another ? { poseId: null, pictureId: null } : {}) });
    } catch (error) {
      if (!(error instanceof NotOpenPose)) throw error;
      setRefusal(t("pose.notOpenPose", { name: file.name }));
    }
  };
  const save = () => {
    const url = URL.createObjectURL(new Blob([toOpenPose(draft.people, draft)], { type: "application/json" }));
    saveFrom(url, "pose.json");
    setTimeout(() => URL.revokeObjectURL(url), 0);
  };
  return (
    <div className="row">
      <input
        ref={input}
        type="file"
        hidden
        accept="application/json,.json"
        aria-label={t("pose.openFile")}
        onChange={(event) => {
          void take(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <button type="button" className="button small" onClick={() => input.current?.click()}>
        {t("pose.openFile")}
      </button>
      <button type="button" className="button small" disabled={draft.people.length === 0} onClick={save}>
        {t("pose.saveFile")}
      </button>
      {refusal && (
        <p className="note note-error" role="alert">
          {refusal}
        </p>
      )}
    </div>
  );
}
