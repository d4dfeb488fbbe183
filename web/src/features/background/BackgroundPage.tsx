import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result } from "@/shared/api/models";
import { jobTitle } from "@/shared/jobs/jobTitle";
import { ResultFeed } from "@/shared/results/ResultFeed";
import { useProjectId } from "@/shared/useProjectId";
import { BackgroundForm } from "./BackgroundForm";
import { useBackgroundDraft } from "./useBackgroundDraft";

const RedrawDialog = lazy(async () => ({ default: (await import("./RedrawDialog")).RedrawDialog }));

/** A sentence, a photograph, or both become a background in the artist's style. */
export function BackgroundPage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  const [draft, change] = useBackgroundDraft(projectId);
  const [redrawn, setRedrawn] = useState<{ job: Job; result: Result } | null>(null);
  return (
    <>
      <h1>{t("background.title")}</h1>
      <p className="lead">{t("background.lead")}</p>
      <div className="columns two">
        <BackgroundForm projectId={projectId} draft={draft} change={change} />
        <section className="stack" aria-labelledby="background-results">
          <h2 id="background-results">{t("background.results")}</h2>
          <ResultFeed
            projectId={projectId}
            kind="background"
            emptyTitle={t("background.empty")}
            emptyText={t("background.emptyText")}
            onUseSeed={(seed) => change({ seed: String(seed), moreOpen: true })}
            onRedraw={(job, result) => setRedrawn({ job, result })}
          />
        </section>
      </div>
      {redrawn && (
        <Suspense>
          <RedrawDialog {...redrawn} title={jobTitle(t, redrawn.job)} onClose={() => setRedrawn(null)} />
        </Suspense>
      )}
    </>
  );
}
