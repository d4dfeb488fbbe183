import { useTranslation } from "react-i18next";
import { type Part, POINTS_OF, pointName } from "./parts";
import { angleOf } from "./selection";
import { type Keypoint, VISIBLE_SCORE } from "./skeleton";

type Props = {
  part: Part;
  keypoints: Keypoint[];
  selected: number;
  onSelect: (point: number) => void;
  onMove: (point: number, to: { x: number; y: number }, tag: string) => void;
  /** Turns the bone that the point ends. */
  onAngle: (point: number, degrees: number) => void;
  onToggle: (point: number) => void;
};

/** The selected point in numbers: the way without a pointer, also for points that nobody has placed yet. */
export function PointFields({ part, keypoints, selected, onSelect, onMove, onAngle, onToggle }: Props) {
  const { t } = useTranslation();
  const [x, y, score] = keypoints[selected] ?? [0, 0, 0];
  const angle = angleOf(keypoints, selected);
  const turn = (degrees: number) => {
    if (Number.isFinite(degrees)) onAngle(selected, degrees);
  };
  const set = (to: { x: number; y: number }) => {
    if (Number.isFinite(to.x) && Number.isFinite(to.y)) onMove(selected, to, `fields:${selected}`);
  };
  return (
    <div className="row joint-fields">
      <label>
        {t("pose.joint")}
        <select value={selected} onChange={(event) => onSelect(Number(event.target.value))}>
          {POINTS_OF[part].map((point) => (
            <option key={point} value={point}>
              {pointName(t, point)}
            </option>
          ))}
        </select>
      </label>
      <label>
        X
        <input type="number" value={Math.round(x)} onChange={(event) => set({ x: event.target.valueAsNumber, y })} />
      </label>
      <label>
        Y
        <input type="number" value={Math.round(y)} onChange={(event) => set({ x, y: event.target.valueAsNumber })} />
      </label>
      {angle !== null && (
        <label>
          {t("pose.angle")}
          <input type="number" value={Math.round(angle)} onChange={(event) => turn(event.target.valueAsNumber)} />
        </label>
      )}
      <button type="button" className="button small" onClick={() => onToggle(selected)}>
        {score > VISIBLE_SCORE ? t("pose.hide") : t("pose.show")}
      </button>
      <small className="hint">{t("pose.keysHint")}</small>
    </div>
  );
}
