import { useTranslation } from "react-i18next";
import { useProjectId } from "@/shared/useProjectId";
import { LearnedStyles } from "./LearnedStyles";
import { LearnForm } from "./LearnForm";
import { TrainingsUnderWay } from "./TrainingsUnderWay";
import { useLearnDraft } from "./useLearnDraft";

/** Teach the project how the artist draws, see what was learned, and choose. */
export function StylePage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  const [draft, change] = useLearnDraft(projectId);
  return (
    <>
      <h1>{t("style.title")}</h1>
      <p className="lead">{t("style.lead")}</p>
      <div className="columns two">
        <LearnForm projectId={projectId} draft={draft} change={change} />
        <div className="stack">
          <TrainingsUnderWay projectId={projectId} />
          <LearnedStyles
            projectId={projectId}
            onLearnAgain={(style) => {
              change({ styleId: style.id, name: style.name });
              document.getElementById("page")?.scrollIntoView({ block: "start" });
            }}
          />
        </div>
      </div>
    </>
  );
}
