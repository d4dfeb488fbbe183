import { carriedBy, isPlaced, type Keypoint, parentOf, VISIBLE_SCORE } from "./skeleton";

export type Place = { x: number; y: number };
export type Box = { left: number; top: number; width: number; height: number };
type Size = { width: number; height: number };

/** Smaller than this share of itself a selection would be lost: nobody could take hold of it again. */
const SMALLEST = 0.05;
/** A selection may outgrow the picture by so many times; further out nobody finds its points. */
const LARGEST = 2;

/** The placed points whose place lies in a rectangle, given by two of its corners, in pixels of the picture. */
export function pointsIn(points: number[], keypoints: Keypoint[], one: Place, other: Place): number[] {
  const [left, right] = [Math.min(one.x, other.x), Math.max(one.x, other.x)];
  const [top, bottom] = [Math.min(one.y, other.y), Math.max(one.y, other.y)];
  return points.filter((point) => {
    const keypoint = keypoints[point];
    if (!keypoint || !isPlaced(keypoint)) return false;
    const [x, y] = keypoint;
    return x >= left && x <= right && y >= top && y <= bottom;
  });
}

/** The smallest box around the placed ones of these points; null when there are none. */
export function boxAround(keypoints: Keypoint[], chosen: readonly number[]): Box | null {
  const placed = chosen.flatMap((point) => {
    const keypoint = keypoints[point];
    return keypoint && isPlaced(keypoint) ? [keypoint] : [];
  });
  if (placed.length === 0) return null;
  const xs = placed.map(([x]) => x);
  const ys = placed.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

export const middleOf = (box: Box): Place => ({ x: box.left + box.width / 2, y: box.top + box.height / 2 });

/** Every chosen point with what hangs from it, put where `to` says; what is not placed stays unplaced. */
function changed(
  keypoints: Keypoint[],
  chosen: readonly number[],
  wholeLimb: boolean,
  to: (place: Place) => Place,
): Keypoint[] {
  const carried = new Set(chosen.flatMap((point) => carriedBy(point, wholeLimb)));
  return keypoints.map((point, index): Keypoint => {
    if (!carried.has(index) || !isPlaced(point)) return point;
    const { x, y } = to({ x: point[0], y: point[1] });
    return [x, y, point[2]];
  });
}

/** The chosen points moved together, as far as the box around them stays inside the picture. */
export function shifted(
  keypoints: Keypoint[],
  chosen: readonly number[],
  by: Place,
  size: Size,
  wholeLimb: boolean,
): Keypoint[] {
  const box = boxAround(keypoints, chosen);
  if (!box) return keypoints;
  const within = (wanted: number, start: number, length: number, pixels: number) => {
    // One that reaches out of the picture already may come back, and goes no further.
    const [low, high] = [Math.min(0, -start), Math.max(0, pixels - 1 - start - length)];
    return Math.min(high, Math.max(low, wanted));
  };
  const dx = within(by.x, box.left, box.width, size.width);
  const dy = within(by.y, box.top, box.height, size.height);
  return changed(keypoints, chosen, wholeLimb, ({ x, y }) => ({ x: x + dx, y: y + dy }));
}

/** The chosen points turned clockwise about a place. */
export function turned(
  keypoints: Keypoint[],
  chosen: readonly number[],
  degrees: number,
  about: Place,
  wholeLimb: boolean,
): Keypoint[] {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return changed(keypoints, chosen, wholeLimb, ({ x, y }) => {
    const [dx, dy] = [x - about.x, y - about.y];
    return { x: about.x + dx * cos - dy * sin, y: about.y + dx * sin + dy * cos };
  });
}

/** The chosen points brought nearer to a place, or further from it; their shape stays. */
export function resized(
  keypoints: Keypoint[],
  chosen: readonly number[],
  factor: number,
  about: Place,
  size: Size,
  wholeLimb: boolean,
): Keypoint[] {
  const box = boxAround(keypoints, chosen);
  if (!box) return keypoints;
  const most = (LARGEST * Math.max(size.width, size.height)) / Math.max(box.width, box.height, 1);
  const by = Math.min(most, Math.max(SMALLEST, factor));
  return changed(keypoints, chosen, wholeLimb, ({ x, y }) => ({
    x: about.x + (x - about.x) * by,
    y: about.y + (y - about.y) * by,
  }));
}

/** Which way a point lies from the one it hangs from: 0 to the right, 90 below; null where there is no such bone. */
export function angleOf(keypoints: Keypoint[], point: number): number | null {
  const parent = parentOf(point);
  const [from, to] = [keypoints[parent ?? -1], keypoints[point]];
  if (!from || !to || !isPlaced(from) || !isPlaced(to)) return null;
  return (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
}

/** The point brought to lie that way, with everything further out; its bone keeps its length. */
export function angled(keypoints: Keypoint[], point: number, degrees: number): Keypoint[] {
  const now = angleOf(keypoints, point);
  const from = keypoints[parentOf(point) ?? -1];
  if (now === null || !from) return keypoints;
  return turned(keypoints, [point], degrees - now, { x: from[0], y: from[1] }, true);
}

/** Hides all of the points, or shows all where every one is hidden; nothing moves. */
export function toggled(keypoints: Keypoint[], chosen: readonly number[]): Keypoint[] {
  const some = new Set(chosen.filter((point) => keypoints[point] && isPlaced(keypoints[point])));
  const seen = [...some].some((point) => (keypoints[point]?.[2] ?? 0) > VISIBLE_SCORE);
  return keypoints.map((point, index): Keypoint => (some.has(index) ? [point[0], point[1], seen ? 0 : 1] : point));
}

export const HANDLES = ["topLeft", "topRight", "bottomRight", "bottomLeft", "turn"] as const;
export type Handle = (typeof HANDLES)[number];

/** From the box's edge on the screen, so that a handle never lies on a point; the one that turns stands above. */
const ROOM_PX = 20;
const TURN_PX = 30;

/** The frame around a selection on the screen, and where its handles are. */
export function frameOf(box: Box, view: { scale: number; x: number; y: number }) {
  const left = box.left * view.scale + view.x - ROOM_PX;
  const top = box.top * view.scale + view.y - ROOM_PX;
  const width = box.width * view.scale + 2 * ROOM_PX;
  const height = box.height * view.scale + 2 * ROOM_PX;
  const handles: Record<Handle, [number, number]> = {
    topLeft: [left, top],
    topRight: [left + width, top],
    bottomRight: [left + width, top + height],
    bottomLeft: [left, top + height],
    turn: [left + width / 2, top - TURN_PX],
  };
  return { left, top, width, height, handles };
}

/** What stays where it is while a handle is dragged: the other corner; the middle for the one that turns. */
export function anchorOf(handle: Handle, box: Box): Place {
  if (handle === "turn") return middleOf(box);
  return {
    x: handle === "topLeft" || handle === "bottomLeft" ? box.left + box.width : box.left,
    y: handle === "topLeft" || handle === "topRight" ? box.top + box.height : box.top,
  };
}

const FIRM_DEGREES = 15;

/** The degrees between two places as seen from a third, clockwise; in steps of 15 when firm. */
export function degreesBetween(from: Place, to: Place, about: Place, firm: boolean): number {
  const angle = (place: Place) => Math.atan2(place.y - about.y, place.x - about.x);
  const degrees = ((angle(to) - angle(from)) * 180) / Math.PI;
  return firm ? Math.round(degrees / FIRM_DEGREES) * FIRM_DEGREES : degrees;
}

/** How much larger a selection becomes when the handle at `from` is dragged to `to`, away from the anchor. */
export function growth(from: Place, to: Place, anchor: Place): number {
  const [x, y] = [from.x - anchor.x, from.y - anchor.y];
  const length = x * x + y * y;
  return length === 0 ? 1 : Math.max(SMALLEST, ((to.x - anchor.x) * x + (to.y - anchor.y) * y) / length);
}
