import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "@/shared/ui/Dialog";
import { PictureView } from "@/shared/ui/Picture";
import { Slider } from "@/shared/ui/Slider";

const HALF = 50;
const ALL = 100;

/** A picture to compare, and what it is called beside another. */
export type Compared = { id: string; url: string; label: string };

type Props = {
  title: string;
  /** What the picture can be compared with; at least one. */
  others: Compared[];
  picture: Compared & { width: number; height: number };
  onClose: () => void;
};

/** Two pictures over each other, with a line between them that can be moved. */
export function CompareDialog({ title, others, picture, onClose }: Props) {
  const { t } = useTranslation();
  const [share, setShare] = useState(HALF);
  const [chosenId, setChosenId] = useState(others[0]?.id);
  const other = others.find((one) => one.id === chosenId) ?? others[0];
  if (!other) return null;
  return (
    <Dialog title={title} wide onClose={onClose}>
      {others.length > 1 && (
        <fieldset className="segments labelled">
          <legend>{t("assets.compareWith")}</legend>
          {others.map((one) => (
            <button key={one.id} type="button" aria-pressed={one === other} onClick={() => setChosenId(one.id)}>
              {one.label}
            </button>
          ))}
        </fieldset>
      )}
      <div className="compare" style={{ aspectRatio: `${picture.width} / ${picture.height}` }}>
        <PictureView id={other.id} src={other.url} alt={other.label} />
        <div className="compare-over" style={{ clipPath: `inset(0 0 0 ${share}%)` }}>
          <PictureView id={picture.id} src={picture.url} alt={picture.label} />
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
        stops={[picture.label, other.label]}
        onChange={setShare}
      />
    </Dialog>
  );
}
