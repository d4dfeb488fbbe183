import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Picture, Result } from "@/shared/api/models";
import { Dialog } from "@/shared/ui/Dialog";
import { PictureView } from "@/shared/ui/Picture";
import { Slider } from "@/shared/ui/Slider";

const HALF = 50;
const ALL = 100;

type Props = { title: string; before: Picture; after: Result; onClose: () => void };

/** A drawing over the photograph it was drawn from, with a line between them that can be moved. */
export function CompareDialog({ title, before, after, onClose }: Props) {
  const { t } = useTranslation();
  const [share, setShare] = useState(HALF);
  return (
    <Dialog title={title} wide onClose={onClose}>
      <div className="compare" style={{ aspectRatio: `${after.width} / ${after.height}` }}>
        <PictureView id={before.id} src={before.url} alt={t("assets.comparePhoto")} />
        <div className="compare-over" style={{ clipPath: `inset(0 0 0 ${share}%)` }}>
          <PictureView id={after.id} src={after.url} alt={t("assets.compareDrawing")} />
        </div>
        <div className="compare-line" style={{ left: `${share}%` }} />
      </div>
      <Slider
        label={t("assets.compareLine")}
        min={0}
        max={ALL}
        step={1}
        value={share}
        valueText={`${share}%`}
        stops={[t("assets.compareDrawing"), t("assets.comparePhoto")]}
        onChange={setShare}
      />
    </Dialog>
  );
}
