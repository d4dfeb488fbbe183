import {
  FACE,
  HAND_LINES,
  isPlaced,
  type Keypoint,
  LIMBS,
  type Person,
  type Side,
  sideOf,
  VISIBLE_SCORE,
} from "./skeleton";

export type Colours = Record<Side | "hand" | "ground" | "chosen", string>;
/** How a place in the picture becomes a place on the screen. */
export type View = { scale: number; x: number; y: number };
type Canvas = Pick<
  CanvasRenderingContext2D,
  "beginPath" | "moveTo" | "lineTo" | "stroke" | "arc" | "rect" | "fill" | "setLineDash"
> & { lineWidth: number; strokeStyle: unknown; fillStyle: unknown; lineCap: unknown };

const LIMB_PX = 4;
const FINGER_PX = 2;
const FACE_PX = 1.5;
const FIRST_FOOT_POINT = 17;
const [LEFT_SHOULDER, RIGHT_SHOULDER] = [5, 6];

/** The theme's colours, as the style sheet has them now. */
export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color || style.color;
  };
  const colours: Colours = {
    left: colour("--left"),
    right: colour("--right"),
    middle: colour("--middle"),
    hand: colour("--hand"),
    ground: colour("--picture-ground"),
    chosen: colour("--accent"),
  };
  probe.remove();
  return colours;
}

function sideOfLimb(from: number, to: number): Side {
  if (to >= FIRST_FOOT_POINT) return sideOf(from);
  return from % 2 === to % 2 && from !== 0 ? sideOf(from) : "middle";
}

/** The lines of body and hands, and the dots of the face, as far as they are seen. */
export function drawLines(canvas: Canvas, person: Person, view: View, colours: Colours): void {
  const seen = (index: number): [number, number] | null => {
    const point = person.keypoints[index];
    return point && point[2] > VISIBLE_SCORE ? onScreen(point, view) : null;
  };
  const line = (start: [number, number] | null, end: [number, number] | null, width: number, colour: string) => {
    if (!start || !end) return;
    canvas.lineWidth = width;
    canvas.strokeStyle = colour;
    canvas.beginPath();
    canvas.moveTo(...start);
    canvas.lineTo(...end);
    canvas.stroke();
  };
  canvas.lineCap = "round";
  for (const [from, to] of LIMBS) line(seen(from), seen(to), LIMB_PX, colours[sideOfLimb(from, to)]);
  const [left, right] = [seen(LEFT_SHOULDER), seen(RIGHT_SHOULDER)];
  if (left && right) line(seen(0), [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2], LIMB_PX, colours.middle);
  for (const [from, to] of HAND_LINES) line(seen(from), seen(to), FINGER_PX, colours.hand);
  canvas.fillStyle = colours.hand;
  for (const index of FACE) {
    const at = seen(index);
    if (!at) continue;
    canvas.beginPath();
    canvas.arc(at[0], at[1], FACE_PX, 0, 2 * Math.PI);
    canvas.fill();
  }
}

type Marks = { points: number[]; selected: number; chosen: readonly number[]; radius: number };
const RING_PX = 4;

/**
 * A mark on every point that can be taken hold of: round on the left, square on the right, hollow when hidden; with a
 * ring around it where it is one of several that were chosen.
 */
export function drawMarks(canvas: Canvas, person: Person, view: View, colours: Colours, marks: Marks): void {
  for (const index of marks.points) {
    const point = person.keypoints[index];
    if (!point || !isPlaced(point)) continue;
    const [x, y] = onScreen(point, view);
    const r = index === marks.selected ? marks.radius * 1.4 : marks.radius;
    const hidden = point[2] <= VISIBLE_SCORE;
    canvas.beginPath();
    if (sideOf(index) === "right") canvas.rect(x - r, y - r, 2 * r, 2 * r);
    else canvas.arc(x, y, r, 0, 2 * Math.PI);
    canvas.fillStyle = hidden ? "#ffffff" : colours[sideOf(index)];
    canvas.strokeStyle = hidden ? colours.middle : "#ffffff";
    canvas.lineWidth = index === marks.selected ? 3 : 2;
    canvas.setLineDash(hidden ? [4, 3] : []);
    canvas.fill();
    canvas.stroke();
    canvas.setLineDash([]);
    if (!marks.chosen.includes(index)) continue;
    canvas.beginPath();
    canvas.arc(x, y, r + RING_PX, 0, 2 * Math.PI);
    canvas.strokeStyle = colours.chosen;
    canvas.lineWidth = 2;
    canvas.stroke();
  }
}

export function onScreen([x, y]: Keypoint, view: View): [number, number] {
  return [x * view.scale + view.x, y * view.scale + view.y];
}
