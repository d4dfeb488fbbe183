import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result } from "@/shared/api/models";
import { Dialog } from "@/shared/ui/Dialog";
import { CompareDialog } from "./CompareDialog";
import { PrintForm } from "./PrintForm";
import { useComparison } from "./useComparison";
import { WebtoonForm } from "./WebtoonForm";

type Props = {
  job: Job;
  result: Result;
  title: string;
  onSave: () => void;
  onUseSeed: (seed: number) => void;
  onRedraw?: () => void;
};

/** What can be done with one drawing. */
export function ResultButtons({ job, result, title, onSave, onUseSeed, onRedraw }: Props) {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState<"compare" | "webtoon" | "print" | null>(null);
  const { picture, others } = useComparison(job, result);
  const close = () => setOpen(null);
  return (
    <>
      <button type="button" className="button small" onClick={onSave}>
        {t("assets.save")}
      </button>
      <a className="button small" href={result.url} download={`${title}-${result.index + 1}.png`}>
        {t("assets.download")}
      </a>
      <a
        className="button small"
        href={`/api/v1/results/${result.id}/layers.psd?language=${i18n.language === "ko" ? "ko" : "en"}`}
        download
        title={t("reading.psdHint")}
      >
        {t("reading.psd")}
      </a>
      {onRedraw && (
        <button type="button" className="button quiet small" onClick={onRedraw}>
          {t("background.redraw")}
        </button>
      )}
      <button type="button" className="button quiet small" onClick={() => setOpen("webtoon")}>
        {t("webtoon.short")}
      </button>
      <button type="button" className="button quiet small" onClick={() => setOpen("print")}>
        {t("webtoon.printShort")}
      </button>
      {others.length > 0 && (
        <button
          type="button"
          className="button quiet small"
          aria-keyshortcuts="C"
          data-key-compare
          onClick={() => setOpen("compare")}
        >
          {t("assets.compare")}
        </button>
      )}
      <button
        type="button"
        className="button quiet small"
        title={t("assets.useSeedHint")}
        onClick={() => onUseSeed(result.seed)}
      >
        {t("assets.useSeed", { seed: String(result.seed) })}
      </button>
      {open === "compare" && <CompareDialog title={title} others={others} picture={picture} onClose={close} />}
      {open === "print" && (
        <Dialog title={t("webtoon.printTitle")} onClose={close}>
          <PrintForm picture={result} filename={`${title}-${result.index + 1}`} link={async () => result.url} />
        </Dialog>
      )}
      {open === "webtoon" && (
        <Dialog title={t("webtoon.title")} onClose={close}>
          <WebtoonForm of={`/api/v1/results/${encodeURIComponent(result.id)}`} />
        </Dialog>
      )}
    </>
  );
}
