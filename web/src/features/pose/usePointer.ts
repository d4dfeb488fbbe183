import { type PointerEvent, useRef } from "react";
import { onScreen, type View } from "./drawPerson";
import { isPlaced, type Keypoint } from "./skeleton";

/** How near a point the pointer must come, in CSS pixels: a finger needs more room than a mouse or a pen. */
const REACH_PX = 13;
const TOUCH_REACH_PX = 24;
const LONG_PRESS_MS = 550;
const STILL_PX = 6;

type Handlers = {
  points: number[];
  keypoints: Keypoint[];
  view: View;
  onTake: (point: number) => void;
  onMove: (point: number, to: { x: number; y: number }, tag: string) => void;
  onMoved: () => void;
  onToggle: (point: number) => void;
  onPan: (dx: number, dy: number) => void;
};

/** The nearest of the points within reach of a place on the stage; null when there is none. */
export function pointAt(points: number[], keypoints: Keypoint[], view: View, at: [number, number], reach: number) {
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

type Held = {
  id: number;
  point: number | null;
  grip: [number, number];
  from: [number, number];
  timer: number;
  run: number;
};

/** Drags points, hides one by a long press or a right click, and moves the view where there is no point. */
export function usePointer(handlers: Handlers) {
  const latest = useRef(handlers);
  latest.current = handlers;
  const held = useRef<Held | null>(null);
  const runs = useRef(0);

  const place = (event: PointerEvent<HTMLElement>): [number, number] => {
    const frame = event.currentTarget.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const find = (event: PointerEvent<HTMLElement>, at: [number, number]) => {
    const { points, keypoints, view } = latest.current;
    return pointAt(points, keypoints, view, at, event.pointerType === "touch" ? TOUCH_REACH_PX : REACH_PX);
  };
  const hide = (point: number) => {
    if (held.current) held.current.point = null;
    latest.current.onToggle(point);
  };
  const down = (event: PointerEvent<HTMLElement>) => {
    const at = place(event);
    const point = find(event, at);
    if (held.current || (event.button === 2 && point === null)) return;
    event.preventDefault();
    if (event.button === 2 && point !== null) return hide(point);
    event.currentTarget.setPointerCapture(event.pointerId);
    const { keypoints, view } = latest.current;
    const [x, y] = point === null ? at : onScreen(keypoints[point] as Keypoint, view);
    const pressed = point !== null && event.pointerType !== "mouse";
    const timer = !pressed ? 0 : window.setTimeout(() => hide(point), LONG_PRESS_MS);
    runs.current += 1;
    held.current = { id: event.pointerId, point, grip: [at[0] - x, at[1] - y], from: at, timer, run: runs.current };
    if (point !== null) latest.current.onTake(point);
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const now = held.current;
    if (!now || now.id !== event.pointerId) return;
    const at = place(event);
    const [dx, dy] = [at[0] - now.from[0], at[1] - now.from[1]];
    if (now.timer && Math.hypot(dx, dy) < STILL_PX) return;
    window.clearTimeout(now.timer);
    now.timer = 0;
    const { view } = latest.current;
    if (now.point === null) {
      latest.current.onPan(dx, dy);
      now.from = at;
    } else {
      const [x, y] = [at[0] - now.grip[0], at[1] - now.grip[1]];
      const to = { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale };
      latest.current.onMove(now.point, to, `drag:${now.run}`);
    }
  };
  const up = (event: PointerEvent<HTMLElement>) => {
    if (held.current?.id !== event.pointerId) return;
    window.clearTimeout(held.current.timer);
    held.current = null;
    latest.current.onMoved();
  };
  return { onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: up };
}
