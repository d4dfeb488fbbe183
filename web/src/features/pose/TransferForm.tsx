import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import { startOf, useStartJob } from "@/shared/jobs/useStartJob";
import { seedFrom } from "@/shared/seeds";
import { stylesToSend } from "@/shared/styles/chosen";
import { StyleChips } from "@/shared/styles/StyleChips";
import { useStyles } from "@/shared/styles/useStyles";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { MoreSettings } from "@/shared/ui/MoreSettings";
import { useRunKey } from "@/shared/ui/useRunKey";
import { savePose } from "./savePose";
import { TransferOptions } from "./TransferOptions";
import type { PoseDraft } from "./usePoseDraft";

const MAX_RESULTS = 4;
const LORA = ["lora"] as const;

type Props = { projectId: string; draft: PoseDraft; change: (part: Partial<PoseDraft>) => void };

/** How many pictures, and the one button. The pose is saved as it stands before it is drawn. */
export function TransferForm({ projectId, draft, change }: Props) {
  const { t } = useTranslation();
  const run = useStartJob();
  const styles = useStyles(projectId).data;
  const known = new Set<string>(styles?.map((style) => style.id));
  const { characterId, people } = draft;
  const missing = (!characterId && t("pose.needCharacter")) || (people.length === 0 && t("pose.needPose"));

  const draw = () => {
    if (missing || !characterId || run.isPending) return;
    run.mutate(
      startOf(async (headers) => {
        const poseId = await savePose(projectId, draft);
        change({ poseId, edited: false });
        return unwrap(
          api.POST("/api/v1/projects/{project_id}/pose-transfers", {
            params: { path: { project_id: projectId } },
            body: {
              character_picture_id: characterId,
              pose_id: poseId,
              person_index: draft.personIndex,
              seed: seedFrom(draft.seed),
              count: draft.count,
              own_proportions: draft.ownProportions,
              transparent_background: draft.transparent,
              character_fit: draft.fit,
              styles: stylesToSend(draft.styles, known),
            },
            headers,
          }),
        );
      }),
    );
  };
  useRunKey(draw);

  return (
    <Form className="card stack" onSubmit={draw}>
      {styles?.some((style) => style.files.some((file) => file.method === "lora")) && (
        <StyleChips
          projectId={projectId}
          chosen={draft.styles}
          legend={t("pose.styles")}
          methods={LORA}
          onChange={(chosen) => change({ styles: chosen })}
        />
      )}
      <MoreSettings
        open={draft.moreOpen}
        count={draft.count}
        maxCount={MAX_RESULTS}
        seed={draft.seed}
        onOpen={(moreOpen) => change({ moreOpen })}
        onCount={(count) => change({ count })}
        onSeed={(seed) => change({ seed })}
      >
        <TransferOptions draft={draft} change={change} />
      </MoreSettings>
      {run.error ? <ErrorNote error={run.error} /> : null}
      <button
        type="submit"
        className="button primary wide"
        disabled={Boolean(missing) || run.isPending}
        aria-describedby="pose-missing"
        aria-keyshortcuts="Control+Enter Meta+Enter"
      >
        {t("pose.draw")} <kbd aria-hidden="true">Ctrl ↵</kbd>
      </button>
      <small id="pose-missing" className="hint" role="status">
        {missing}
      </small>
    </Form>
  );
}
