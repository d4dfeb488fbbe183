import { useTranslation } from "react-i18next";
import { useProjectId } from "@/shared/useProjectId";
import { LearnedStyles } from "./LearnedStyles";
import { LearnForm } from "./LearnForm";
import { TrainingsUnderWay } from "./TrainingsUnderWay";

/** Teach the project how the artist draws, and see what was learned. */
export function StylePage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  return (
    <>
      <h1>{t("style.title")}</h1>
      <p className="lead">{t("style.lead")}</p>
      <div className="columns two">
        <LearnForm key={projectId} projectId={projectId} />
        <div className="stack">
          <TrainingsUnderWay projectId={projectId} />
          <LearnedStyles projectId={projectId} />
        </div>
      </div>
    </>
  );
}
