import { type KeyboardEvent, type PointerEvent, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import { type BODY_JOINTS, type Keypoint, sideOf, VISIBLE_SCORE } from "./skeleton";

const HIT_PX = 13;
const DOT_PX = 6;
const STEP = 1;
const BIG_STEP = 10;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

type Point = { x: number; y: number };
type Props = {
  name: (typeof BODY_JOINTS)[number];
  joint: number;
  point: Keypoint;
  /** Where it is shown: a joint that was found outside the picture waits at its edge, within reach. */
  shown: Point;
  pixel: number;
  selected: boolean;
  toPicture: (clientX: number, clientY: number) => Point | null;
  onSelect: () => void;
  onMove: (to: Point, tag: string) => void;
  onMoved: () => void;
  onToggle: () => void;
};

/** One joint to take hold of: by pointer, by arrow keys (Shift for ten pixels), H or right click to hide it. */
export function JointHandle({
  name,
  joint,
  point,
  shown,
  pixel,
  selected,
  toPicture,
  onSelect,
  onMove,
  onMoved,
  onToggle,
}: Props) {
  const { t } = useTranslation();
  const tag = useId();
  // Where in the handle it was taken hold of, so that it does not jump to the pointer's middle.
  const grip = useRef<Point | null>(null);
  const [x, y, score] = point;
  const side = sideOf(joint);
  const hidden = score <= VISIBLE_SCORE;
  const r = DOT_PX * pixel;

  const take = (event: PointerEvent<SVGGElement>) => {
    if (event.button !== 0) return;
    const at = toPicture(event.clientX, event.clientY);
    if (!at) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    grip.current = { x: at.x - shown.x, y: at.y - shown.y };
    onSelect();
  };
  const drag = (event: PointerEvent<SVGGElement>) => {
    const at = grip.current && toPicture(event.clientX, event.clientY);
    if (at && grip.current) onMove({ x: at.x - grip.current.x, y: at.y - grip.current.y }, `drag:${tag}`);
  };
  const letGo = () => {
    grip.current = null;
    onMoved();
  };
  const press = (event: KeyboardEvent<SVGGElement>) => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      event.preventDefault();
      const step = event.shiftKey ? BIG_STEP : STEP;
      onMove({ x: x + arrow[0] * step, y: y + arrow[1] * step }, `arrows:${tag}`);
    } else if (event.code === "KeyH" && !event.ctrlKey && !event.metaKey) onToggle();
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button element
    <g
      className={`joint ${side}${hidden ? " unseen" : ""}${selected ? " selected" : ""}`}
      role="button"
      tabIndex={0}
      data-joint={name}
      aria-label={t(hidden ? "pose.jointHidden" : "pose.jointAt", {
        name: t(`pose.joints.${name}`),
        x: Math.round(x),
        y: Math.round(y),
      })}
      onPointerDown={take}
      onPointerMove={drag}
      onPointerUp={letGo}
      onPointerCancel={letGo}
      onFocus={onSelect}
      onBlur={onMoved}
      onKeyDown={press}
      onContextMenu={(event) => {
        event.preventDefault();
        onToggle();
      }}
    >
      <title>{t(`pose.joints.${name}`)}</title>
      <circle className="joint-hit" cx={shown.x} cy={shown.y} r={HIT_PX * pixel} />
      {side === "right" ? (
        <rect
          className="joint-dot"
          x={shown.x - r}
          y={shown.y - r}
          width={2 * r}
          height={2 * r}
          strokeWidth={2 * pixel}
        />
      ) : (
        <circle className="joint-dot" cx={shown.x} cy={shown.y} r={r} strokeWidth={2 * pixel} />
      )}
    </g>
  );
}
