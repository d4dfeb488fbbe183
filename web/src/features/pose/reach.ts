import { onScreen, type View } from "./drawPerson";
import { type Box, frameOf, HANDLES, type Handle, type Place } from "./selection";
import { isPlaced, type Keypoint } from "./skeleton";

/** A place on the stage, in CSS pixels. */
export type Spot = [x: number, y: number];

/** How near a point the pointer must come, in CSS pixels: a finger needs more room than a mouse or a pen. */
const REACH_PX = 13;
const TOUCH_REACH_PX = 24;

export const reachOf = (pointerType: string) => (pointerType === "touch" ? TOUCH_REACH_PX : REACH_PX);

/** The nearest of the points within reach of a place on the stage; null when there is none. */
export function pointAt(points: number[], keypoints: Keypoint[], view: View, at: Spot, reach: number) {
  let nearest: number | null = null;
  let distance = reach;
  for (const point of points) {
    const keypoint = keypoints[point];
    if (!keypoint || !isPlaced(keypoint)) continue;
    const [x, y] = onScreen(keypoint, view);
    const here = Math.hypot(x - at[0], y - at[1]);
    if (here <= distance) [nearest, distance] = [point, here];
  }
  return nearest;
}

/** The handle of a selection's frame within reach of a place on the stage; null when there is none. */
export function handleAt(box: Box | null, view: View, at: Spot, reach: number): Handle | null {
  if (!box) return null;
  const { handles } = frameOf(box, view);
  const away = (handle: Handle) => Math.hypot(handles[handle][0] - at[0], handles[handle][1] - at[1]);
  const nearest = HANDLES.reduce((best, handle) => (away(handle) < away(best) ? handle : best));
  return away(nearest) <= reach ? nearest : null;
}

/** A place on the stage as a place in the picture. */
export function inPicture([x, y]: Spot, view: View): Place {
  return { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale };
}
