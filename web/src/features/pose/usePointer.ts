import { type PointerEvent, useRef } from "react";
import { onScreen, type View } from "./drawPerson";
import { handleAt, inPicture, pointAt, reachOf, type Spot } from "./reach";
import { type Box, type Handle, type Place, pointsIn } from "./selection";
import type { Keypoint } from "./skeleton";

const LONG_PRESS_MS = 550;
const STILL_PX = 6;

export type HandleDrag = { handle: Handle; base: Keypoint[]; box: Box; from: Place; to: Place; firm: boolean };

type Handlers = {
  points: number[];
  keypoints: Keypoint[];
  view: View;
  /** The box around several chosen points, whose handles can be dragged. */
  box: Box | null;
  /** Whether a drag beside the points moves the view, rather than choosing points. */
  panning: () => boolean;
  onTake: (point: number, adding: boolean) => void;
  onMove: (point: number, to: Place, tag: string) => void;
  onDragHandle: (drag: HandleDrag, tag: string) => void;
  onMoved: () => void;
  onToggle: (point: number) => void;
  onChoose: (points: number[], adding: boolean) => void;
  /** The rectangle that is being drawn open; null when there is none any more. */
  onMarquee: (corners: [Spot, Spot] | null) => void;
  onPan: (dx: number, dy: number) => void;
  /** What was at one place in the picture comes to another on the stage, and everything so many times as large. */
  onPinch: (what: Place, to: Spot, factor: number) => void;
};

type Held = { id: number; from: Spot; run: number; timer: number } & (
  | { kind: "point"; point: number; grip: Spot }
  | { kind: "handle"; handle: Handle; base: Keypoint[]; box: Box }
  | { kind: "marquee"; moved: boolean }
  | { kind: "pan" }
);

const between = ([one, other]: Spot[]): { middle: Spot; apart: number } => {
  const [ax, ay] = one ?? [0, 0];
  const [bx, by] = other ?? [0, 0];
  return { middle: [(ax + bx) / 2, (ay + by) / 2], apart: Math.max(1, Math.hypot(ax - bx, ay - by)) };
};

/**
 * What mouse, pen and fingers do on the stage: they drag points, or the handles of several; draw a rectangle around
 * points, or move the view; hide a point by a long press or a right click. Two fingers move and enlarge.
 */
export function usePointer(handlers: Handlers) {
  const latest = useRef(handlers);
  latest.current = handlers;
  const held = useRef<Held | null>(null);
  const fingers = useRef(new Map<number, Spot>());
  const runs = useRef(0);

  const place = (event: PointerEvent<HTMLElement>): Spot => {
    const frame = event.currentTarget.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const adds = (event: PointerEvent) => event.shiftKey || event.ctrlKey || event.metaKey;
  const hide = (point: number) => {
    held.current = null;
    latest.current.onToggle(point);
  };
  const leave = () => {
    window.clearTimeout(held.current?.timer);
    held.current = null;
    latest.current.onMarquee(null);
  };

  /** What is taken hold of at a place: a handle, else a point, else nothing, which is the rectangle or the view. */
  const grasp = (event: PointerEvent<HTMLElement>, at: Spot): Held => {
    const { points, keypoints, view, box, panning } = latest.current;
    runs.current += 1;
    const begun = { id: event.pointerId, from: at, run: runs.current, timer: 0 };
    const reach = reachOf(event.pointerType);
    const handle = handleAt(box, view, at, reach);
    if (box && handle && event.button === 0) return { ...begun, kind: "handle", handle, base: keypoints, box };
    const point = event.button === 1 ? null : pointAt(points, keypoints, view, at, reach);
    if (point === null) {
      return event.button === 1 || panning() ? { ...begun, kind: "pan" } : { ...begun, kind: "marquee", moved: false };
    }
    const [x, y] = onScreen(keypoints[point] as Keypoint, view);
    const timer = event.pointerType === "mouse" ? 0 : window.setTimeout(() => hide(point), LONG_PRESS_MS);
    return { ...begun, kind: "point", point, grip: [at[0] - x, at[1] - y], timer };
  };
  const down = (event: PointerEvent<HTMLElement>) => {
    const at = place(event);
    if (event.pointerType === "touch") fingers.current.set(event.pointerId, at);
    if (fingers.current.size === 2 && held.current) {
      leave(); // two fingers move the view, whatever the first began
      event.currentTarget.setPointerCapture(event.pointerId);
      return;
    }
    if (held.current || fingers.current.size > 1) return;
    event.preventDefault();
    const { points, keypoints, view } = latest.current;
    if (event.button === 2) {
      const point = pointAt(points, keypoints, view, at, reachOf(event.pointerType));
      return point === null ? undefined : hide(point);
    }
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = grasp(event, at);
    if (held.current.kind === "point") latest.current.onTake(held.current.point, adds(event));
  };
  const pinch = (event: PointerEvent<HTMLElement>) => {
    const before = between([...fingers.current.values()]);
    fingers.current.set(event.pointerId, place(event));
    const after = between([...fingers.current.values()]);
    const { view, onPinch } = latest.current;
    onPinch(inPicture(before.middle, view), after.middle, after.apart / before.apart);
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    if (fingers.current.size === 2 && fingers.current.has(event.pointerId)) return pinch(event);
    const now = held.current;
    if (!now || now.id !== event.pointerId) return;
    const at = place(event);
    if (now.timer && Math.hypot(at[0] - now.from[0], at[1] - now.from[1]) < STILL_PX) return;
    window.clearTimeout(now.timer);
    now.timer = 0;
    const { view, onPan, onMarquee, onMove, onDragHandle } = latest.current;
    const tag = `drag:${now.run}`;
    if (now.kind === "pan") {
      onPan(at[0] - now.from[0], at[1] - now.from[1]);
      now.from = at;
    } else if (now.kind === "marquee") {
      now.moved ||= Math.hypot(at[0] - now.from[0], at[1] - now.from[1]) >= STILL_PX;
      if (now.moved) onMarquee([now.from, at]);
    } else if (now.kind === "handle") {
      const [from, to] = [inPicture(now.from, view), inPicture(at, view)];
      onDragHandle({ handle: now.handle, base: now.base, box: now.box, from, to, firm: event.shiftKey }, tag);
    } else {
      onMove(now.point, inPicture([at[0] - now.grip[0], at[1] - now.grip[1]], view), tag);
    }
  };
  const up = (event: PointerEvent<HTMLElement>) => {
    fingers.current.delete(event.pointerId);
    const now = held.current;
    if (now?.id !== event.pointerId) return;
    const { points, keypoints, view, onChoose, onMoved } = latest.current;
    leave();
    if (now.kind === "marquee" && event.type === "pointerup") {
      const inside = now.moved
        ? pointsIn(points, keypoints, inPicture(now.from, view), inPicture(place(event), view))
        : [];
      onChoose(inside, adds(event));
    }
    onMoved();
  };
  return { onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: up };
}
