import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { saveFrom } from "@/shared/download";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { savePose } from "./savePose";
import type { PoseDraft } from "./usePoseDraft";

const FORMATS = ["png", "svg", "openpose-25"] as const;
type Format = (typeof FORMATS)[number];

type Props = { projectId: string; draft: PoseDraft; change: (part: Partial<PoseDraft>) => void };

/** The skeleton as the gateway writes it: as a picture, or with OpenPose's 25 body points. */
export function SkeletonFormats({ projectId, draft, change }: Props) {
  const { t } = useTranslation();
  const save = useMutation({
    mutationFn: async (format: Format) => {
      const poseId = await savePose(projectId, draft);
      change({ poseId, edited: false });
      saveFrom(`/api/v1/poses/${encodeURIComponent(poseId)}/skeleton?format=${format}`);
    },
  });
  if (draft.people.length === 0) return null;
  return (
    <details>
      <summary>{t("pose.otherFormats")}</summary>
      <div className="row">
        {FORMATS.map((format) => (
          <button
            key={format}
            type="button"
            className="button small"
            disabled={save.isPending}
            onClick={() => save.mutate(format)}
          >
            {t(`pose.formats.${format}`)}
          </button>
        ))}
      </div>
      {save.error ? <ErrorNote error={save.error} /> : null}
    </details>
  );
}
