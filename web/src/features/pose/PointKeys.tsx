import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { onScreen, type View } from "./drawPerson";
import { pointName } from "./parts";
import { isPlaced, type Keypoint, VISIBLE_SCORE } from "./skeleton";

const STEP = 1;
const BIG_STEP = 10;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const HIDE = new Set(["KeyH", "Delete", "Backspace"]);

type Props = {
  points: number[];
  keypoints: Keypoint[];
  view: View;
  chosen: readonly number[];
  onSelect: (point: number) => void;
  onMove: (point: number, to: { x: number; y: number }, tag: string) => void;
  onMoved: () => void;
  onToggle: (point: number) => void;
  /** Takes the point among those that are moved together, or out of them. */
  onChoose: (point: number) => void;
};

/**
 * The points for the keyboard and for screen readers, each over its mark on the canvas: Tab goes from one to the next,
 * arrows move it (with Shift by ten), H or Delete hides it, Space chooses it. The pointer passes through to the canvas.
 */
export function PointKeys({ points, keypoints, view, chosen, onChoose, ...handlers }: Props) {
  const { t } = useTranslation();
  const { onSelect, onMove, onMoved, onToggle } = handlers;
  const press = (event: KeyboardEvent, point: number, [x, y]: Keypoint) => {
    const arrow = ARROWS[event.key];
    const hide = HIDE.has(event.code) && !event.ctrlKey && !event.metaKey;
    if (!arrow && !hide) return;
    event.preventDefault();
    const step = event.shiftKey ? BIG_STEP : STEP;
    if (arrow) onMove(point, { x: x + arrow[0] * step, y: y + arrow[1] * step }, `arrows:${point}`);
    else onToggle(point);
  };
  return points.map((point) => {
    const keypoint = keypoints[point];
    if (!keypoint || !isPlaced(keypoint)) return null;
    const [left, top] = onScreen(keypoint, view);
    const name = pointName(t, point);
    const place = { name, x: Math.round(keypoint[0]), y: Math.round(keypoint[1]) };
    return (
      <button
        key={point}
        type="button"
        className="point-key"
        data-point={point}
        style={{ left, top }}
        aria-pressed={chosen.includes(point)}
        aria-label={t(keypoint[2] > VISIBLE_SCORE ? "pose.jointAt" : "pose.jointHidden", place)}
        onFocus={() => onSelect(point)}
        onBlur={onMoved}
        onClick={() => onChoose(point)}
        onKeyDown={(event) => press(event, point, keypoint)}
      />
    );
  });
}
