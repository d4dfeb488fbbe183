import type Konva from "konva";
import { type KeyboardEvent, type MouseEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Image as KonvaImage, Layer, Rect, Shape, Stage, Text } from "react-konva/lib/ReactKonvaCore";
import "konva/lib/shapes/Image";
import "konva/lib/shapes/Rect";
import "konva/lib/shapes/Text";
import { drawLines, drawMarks, onScreen, type View } from "./drawPerson";
import { drawFrame, drawMarquee } from "./drawSelection";
import { FrameKeys } from "./FrameKeys";
import { PointKeys } from "./PointKeys";
import { type Part, POINTS_OF } from "./parts";
import { inPicture, type Spot } from "./reach";
import { boxAround, type Place } from "./selection";
import type { Person } from "./skeleton";
import { type HandleDrag, usePointer } from "./usePointer";
import { useColours, useImage, useSpaceHeld } from "./useStage";
import { useView } from "./useView";
import { ViewButtons } from "./ViewButtons";

const FAINT = 0.3;
const BODY_MARK_PX = 6;
const FINE_MARK_PX = 4;
const WHEEL_ZOOM = 1.15;

type Props = {
  size: { width: number; height: number };
  people: Person[];
  personIndex: number;
  part: Part;
  selected: number;
  /** Points that move, turn and grow together; with fewer than two there is no frame. */
  chosen: readonly number[];
  /** Whether a drag beside the points moves the view, rather than choosing points. */
  panning: boolean;
  underlay: { url: string; opacity: number } | null;
  onSelect: (point: number) => void;
  onTake: (point: number, adding: boolean) => void;
  onChoose: (points: number[], adding: boolean) => void;
  onMove: (point: number, to: Place, tag: string) => void;
  onDragHandle: (drag: HandleDrag, tag: string) => void;
  onTurn: (degrees: number) => void;
  onResize: (percent: number) => void;
  onMoved: () => void;
  onToggle: (point: number) => void;
};

/** The picture, everybody's skeleton, and the points of the part that is being edited, drawn by Konva. */
export function SkeletonStage({ size, people, personIndex, part, selected, chosen, underlay, ...handlers }: Props) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const person = people[personIndex];
  const keypoints = person?.keypoints ?? [];
  const points = POINTS_OF[part];
  const { view, width, height, zoomed, show, pan, pinch, fitAll } = useView(frame, size, part, keypoints);
  const { onSelect, onMove, onMoved, onToggle, onChoose, onDragHandle, onTurn, onResize } = handlers;
  const [marquee, setMarquee] = useState<[Spot, Spot] | null>(null);
  const spaceHeld = useSpaceHeld(frame);
  const spaceUsed = useRef(false);
  const box = chosen.length > 1 ? boxAround(keypoints, chosen) : null;
  const take = (point: number, adding: boolean) => {
    handlers.onTake(point, adding);
    frame.current?.querySelector<HTMLElement>(`[data-point="${point}"]`)?.focus({ preventScroll: true });
  };
  const pointer = usePointer({
    ...{ points, keypoints, view, box, onMove, onMoved, onToggle, onChoose, onDragHandle },
    panning: () => {
      spaceUsed.current ||= spaceHeld.current;
      return handlers.panning || spaceHeld.current;
    },
    onTake: take,
    onMarquee: setMarquee,
    onPan: pan,
    onPinch: pinch,
  });
  const keys = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    if (event.code === "KeyA") onChoose(points, false);
    else if (event.code === "Digit0") fitAll();
    else return;
    event.preventDefault();
  };
  const keyUp = (event: KeyboardEvent) => {
    if (event.code !== "Space" || !spaceUsed.current) return;
    event.preventDefault(); // it moved the view, and presses no button
    spaceUsed.current = false;
  };
  const image = useImage(underlay?.url ?? null);
  const colours = useColours();

  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls as everywhere
    event.preventDefault();
    const place = frame.current?.getBoundingClientRect();
    const at: Spot = [event.clientX - (place?.left ?? 0), event.clientY - (place?.top ?? 0)];
    show(event.deltaY < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM, inPicture(at, view));
  };
  useEffect(() => {
    const listen = (event: WheelEvent) => wheel.current(event);
    const element = frame.current;
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, []);

  const radius = part === "body" ? BODY_MARK_PX : FINE_MARK_PX;
  const marks = { points, selected, chosen, radius };
  return (
    <div className="skeleton-frame">
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas, not a set of form fields */}
      <div
        ref={frame}
        className={handlers.panning ? "skeleton-canvas panning" : "skeleton-canvas"}
        role="group"
        aria-label={t("pose.canvas")}
        style={{ height }}
        onContextMenu={(event: MouseEvent) => event.preventDefault()}
        onKeyDown={keys}
        onKeyUp={keyUp}
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
              {person && <Shape sceneFunc={scene((context) => drawMarks(context, person, view, colours, marks))} />}
              {box && <Shape sceneFunc={scene((context) => drawFrame(context, box, view, colours.chosen))} />}
              {marquee && <Shape sceneFunc={scene((context) => drawMarquee(context, marquee, colours.chosen))} />}
            </Layer>
          </Stage>
        )}
        <PointKeys
          {...{ points, keypoints, view, chosen, onSelect, onMove, onMoved, onToggle }}
          onChoose={(point) => onChoose([point], true)}
        />
        {box && <FrameKeys box={box} view={view} onTurn={onTurn} onResize={onResize} onMoved={onMoved} />}
      </div>
      <ViewButtons zoomed={zoomed} onZoom={show} onFit={fitAll} />
    </div>
  );
}

const scene = (draw: (context: CanvasRenderingContext2D) => void) => (context: Konva.Context) =>
  draw(context._context as CanvasRenderingContext2D);

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
