import { useTranslation } from "react-i18next";
import { HAND_SHAPES, withHand } from "./hands";
import { mirrored } from "./mirror";
import { PARTS, type Part, POINTS_OF } from "./parts";
import { boxAround } from "./selection";
import type { Keypoint } from "./skeleton";

type Props = {
  part: Part;
  keypoints: Keypoint[];
  width: number;
  onPart: (part: Part) => void;
  onReplace: (keypoints: Keypoint[], tag: string) => void;
};

/** Which part is edited, shapes for a hand, and the mirror. */
export function PartTools({ part, keypoints, width, onPart, onReplace }: Props) {
  const { t } = useTranslation();
  const side = part === "leftHand" ? "left" : part === "rightHand" ? "right" : null;
  const possible = side !== null && withHand(keypoints, side, "flat") !== null;
  return (
    <>
      <div className="row">
        <fieldset className="segments">
          <legend className="sr-only">{t("pose.part")}</legend>
          {PARTS.map((one) => (
            <button key={one} type="button" aria-pressed={one === part} onClick={() => onPart(one)}>
              {t(`pose.parts.${one}`)}
            </button>
          ))}
        </fieldset>
        <button type="button" className="button small" onClick={() => onReplace(mirrored(keypoints, width), "mirror")}>
          ⇋ {t("pose.mirror")}
        </button>
      </div>
      {side && (
        <div className="row">
          <fieldset className="segments">
            <legend className="sr-only">{t("pose.handShape")}</legend>
            {HAND_SHAPES.map((shape) => (
              <button
                key={shape}
                type="button"
                disabled={!possible}
                onClick={() => {
                  const changed = withHand(keypoints, side, shape);
                  if (changed) onReplace(changed, `hand:${side}:${shape}`);
                }}
              >
                {t(`pose.handShapes.${shape}`)}
              </button>
            ))}
          </fieldset>
          {!possible && <small className="hint">{t("pose.handNeedsArm")}</small>}
        </div>
      )}
      {boxAround(keypoints, POINTS_OF[part]) === null && <p className="hint">{t("pose.partUnplaced")}</p>}
    </>
  );
}
