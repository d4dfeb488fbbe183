import type Konva from "konva";
import { type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Image as KonvaImage, Layer, Rect, Shape, Stage, Text } from "react-konva/lib/ReactKonvaCore";
import "konva/lib/shapes/Image";
import "konva/lib/shapes/Rect";
import "konva/lib/shapes/Text";
import { drawLines, drawMarks, onScreen, readColours, type View } from "./drawPerson";
import { PointKeys } from "./PointKeys";
import { type Part, POINTS_OF } from "./parts";
import type { Person } from "./skeleton";
import { usePointer } from "./usePointer";
import { useView } from "./useView";
import { ViewButtons } from "./ViewButtons";

const FAINT = 0.3;
const BODY_MARK_PX = 6;
const FINE_MARK_PX = 4;
const WHEEL_ZOOM = 1.15;

type Point = { x: number; y: number };
type Props = {
  size: { width: number; height: number };
  people: Person[];
  personIndex: number;
  part: Part;
  selected: number;
  underlay: { url: string; opacity: number } | null;
  onSelect: (point: number) => void;
  onMove: (point: number, to: Point, tag: string) => void;
  onMoved: () => void;
  onToggle: (point: number) => void;
};

/** The picture, everybody's skeleton, and the points of the part that is being edited, drawn by Konva. */
export function SkeletonStage({ size, people, personIndex, part, selected, underlay, ...handlers }: Props) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const person = people[personIndex];
  const keypoints = person?.keypoints ?? [];
  const points = POINTS_OF[part];
  const { view, width, height, zoomed, show, pan, fitAll } = useView(frame, size, part, keypoints);
  const { onSelect, onMove, onMoved, onToggle } = handlers;
  const take = (point: number) => {
    onSelect(point);
    frame.current?.querySelector<HTMLElement>(`[data-point="${point}"]`)?.focus({ preventScroll: true });
  };
  const pointer = usePointer({ points, keypoints, view, onTake: take, onMove, onMoved, onToggle, onPan: pan });
  const image = useImage(underlay?.url ?? null);
  const colours = useColours();

  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls as everywhere
    event.preventDefault();
    const box = frame.current?.getBoundingClientRect();
    const at = {
      x: (event.clientX - (box?.left ?? 0) - view.x) / view.scale,
      y: (event.clientY - (box?.top ?? 0) - view.y) / view.scale,
    };
    show(event.deltaY < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM, at);
  };
  useEffect(() => {
    const listen = (event: WheelEvent) => wheel.current(event);
    const element = frame.current;
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, []);

  const radius = part === "body" ? BODY_MARK_PX : FINE_MARK_PX;
  const scene = (draw: (context: CanvasRenderingContext2D) => void) => (context: Konva.Context) =>
    draw(context._context as CanvasRenderingContext2D);
  return (
    <div className="skeleton-frame">
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas, not a set of form fields */}
      <div
        ref={frame}
        className="skeleton-canvas"
        role="group"
        aria-label={t("pose.canvas")}
        style={{ height }}
        onContextMenu={(event: MouseEvent) => event.preventDefault()}
        {...pointer}
      >
        {width > 0 && (
          <Stage width={width} height={height} listening={false} aria-hidden="true">
            <Layer listening={false}>
              <Rect {...placed(view, size)} fill="#ffffff" />
              {image && <KonvaImage image={image} {...placed(view, size)} opacity={underlay?.opacity} />}
              {people.map((other, index) => (
                <Shape
                  key={index}
                  opacity={index === personIndex ? 1 : FAINT}
                  sceneFunc={scene((context) => drawLines(context, other, view, colours))}
                />
              ))}
              {people.length > 1 && people.map((other, index) => <Label key={index} {...{ index, other, view }} />)}
            </Layer>
            <Layer listening={false}>
              {person && (
                <Shape
                  sceneFunc={scene((context) =>
                    drawMarks(context, person, view, colours, { points, selected, radius }),
                  )}
                />
              )}
            </Layer>
          </Stage>
        )}
        <PointKeys {...{ points, keypoints, view, onSelect, onMove, onMoved, onToggle }} />
      </div>
      <ViewButtons zoomed={zoomed} onZoom={show} onFit={fitAll} />
    </div>
  );
}

function placed(view: View, size: { width: number; height: number }) {
  return { x: view.x, y: view.y, width: size.width * view.scale, height: size.height * view.scale };
}

/** A person's number, over the head. */
function Label({ index, other, view }: { index: number; other: Person; view: View }) {
  const nose = other.keypoints[0];
  if (!nose) return null;
  const [x, y] = onScreen(nose, view);
  return <Text text={String(index + 1)} x={x + 10} y={y - 30} fontSize={18} fontStyle="bold" fill="#3446c4" />;
}

function useImage(url: string | null): HTMLImageElement | null {
  const [image, setImage] = useState<HTMLImageElement | null>(null);
  useEffect(() => {
    setImage(null);
    if (!url) return;
    const loading = new Image();
    const loaded = () => setImage(loading);
    loading.addEventListener("load", loaded);
    loading.src = url;
    return () => loading.removeEventListener("load", loaded);
  }, [url]);
  return image;
}

/** Read again when the theme changes. */
function useColours() {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const again = () => setTheme((count) => count + 1);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    const chosen = new MutationObserver(again);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", again);
      chosen.disconnect();
    };
  }, []);
  // The theme decides what is read.
  return useMemo(readColours, [theme]);
}
