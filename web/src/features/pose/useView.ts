import { type RefObject, useEffect, useLayoutEffect, useState } from "react";
import type { View } from "./drawPerson";
import { type Part, POINTS_OF } from "./parts";
import { boxAround } from "./selection";
import { clamp, type Keypoint } from "./skeleton";

/** Room around the picture, so that a point at its edge can be taken hold of. */
const MARGIN_PX = 16;
const MAX_HEIGHT_PX = 640;
const MAX_ZOOM = 16;
/** A hand or a face is shown this much larger than the box around it. */
const ROOM = 1.8;
type Size = { width: number; height: number };

/** How large the stage is, and which part of the picture it shows. */
export function useView(frame: RefObject<HTMLElement | null>, picture: Size, part: Part, keypoints: Keypoint[]) {
  const [width, setWidth] = useState(0);
  const [zoom, setZoom] = useState(1);
  const [middle, setMiddle] = useState({ x: picture.width / 2, y: picture.height / 2 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [frame]);

  const inner = Math.max(1, width - 2 * MARGIN_PX);
  const fit = Math.min(inner / picture.width, (MAX_HEIGHT_PX - 2 * MARGIN_PX) / picture.height);
  const height = Math.round(picture.height * fit + 2 * MARGIN_PX);
  const scale = fit * zoom;
  const view: View = { scale, x: width / 2 - middle.x * scale, y: height / 2 - middle.y * scale };

  const show = (factor: number, around?: { x: number; y: number }) => {
    const next = Math.min(MAX_ZOOM, Math.max(1, zoom * factor));
    if (next === 1) setMiddle({ x: picture.width / 2, y: picture.height / 2 });
    else if (around) {
      // What is under the pointer stays there.
      const keep = (side: "x" | "y") => around[side] + (middle[side] - around[side]) * (zoom / next);
      setMiddle({ x: keep("x"), y: keep("y") });
    }
    setZoom(next);
  };
  const pinch = (what: { x: number; y: number }, to: [number, number], factor: number) => {
    const next = Math.min(MAX_ZOOM, Math.max(1, zoom * factor));
    const x = what.x - (to[0] - width / 2) / (fit * next);
    const y = what.y - (to[1] - height / 2) / (fit * next);
    setMiddle({ x: clamp(x, picture.width), y: clamp(y, picture.height) });
    setZoom(next);
  };
  const pan = (dx: number, dy: number) =>
    setMiddle(({ x, y }) => ({ x: clamp(x - dx / scale, picture.width), y: clamp(y - dy / scale, picture.height) }));
  const fitAll = () => show(1 / MAX_ZOOM);

  const placed = boxAround(keypoints, POINTS_OF[part]) !== null;
  // A part is brought near when it is chosen or placed, not whenever its points move.
  useEffect(() => {
    const box = part === "body" ? null : boxAround(keypoints, POINTS_OF[part]);
    const side = box ? Math.max(box.width, box.height) : 0;
    setZoom(side > 0 ? Math.min(MAX_ZOOM, Math.max(1, picture.height / (side * ROOM))) : 1);
    setMiddle(
      box && side > 0
        ? { x: box.left + box.width / 2, y: box.top + box.height / 2 }
        : { x: picture.width / 2, y: picture.height / 2 },
    );
  }, [part, placed, picture.width, picture.height]);

  return { width, height, view, zoomed: zoom > 1, show, pan, pinch, fitAll };
}
