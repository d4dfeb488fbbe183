import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Result } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";
import { paint, type Stroke } from "./mask";

/** Seen through, so that what lies below can be judged. */
const VEIL = "#e0245e";
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

type Props = {
  result: Result;
  alt: string;
  radius: number;
  strokes: Stroke[];
  onChange: (strokes: Stroke[]) => void;
};

/** The drawing, and over it what was painted: by mouse, finger or pen, or by arrow keys and the space bar. */
export function MaskCanvas({ result, alt, radius, strokes, onChange }: Props) {
  const { t } = useTranslation();
  const canvas = useRef<HTMLCanvasElement>(null);
  const painting = useRef(false);
  const [cursor, setCursor] = useState({ x: result.width / 2, y: result.height / 2, shown: false });

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, result.width, result.height);
    paint(context, strokes, VEIL);
    if (!cursor.shown) return;
    context.strokeStyle = "#fff";
    context.lineWidth = Math.max(2, result.width / 300);
    context.beginPath();
    context.arc(cursor.x, cursor.y, radius, 0, 2 * Math.PI);
    context.stroke();
  }, [strokes, cursor, radius, result.width, result.height]);

  const at = (event: PointerEvent<HTMLCanvasElement>) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const scale = result.width / frame.width;
    const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.4 + 0.6 * event.pressure : 1;
    return {
      x: (event.clientX - frame.left) * scale,
      y: (event.clientY - frame.top) * scale,
      radius: radius * pressed,
    };
  };
  const down = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    painting.current = true;
    onChange([...strokes, [at(event)]]);
  };
  const move = (event: PointerEvent<HTMLCanvasElement>) => {
    const last = strokes.at(-1);
    if (painting.current && last) onChange([...strokes.slice(0, -1), [...last, at(event)]]);
  };
  const up = () => {
    painting.current = false;
  };
  const keys = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    if (!arrow && event.code !== "Space") return;
    event.preventDefault();
    if (!arrow) return onChange([...strokes, [{ x: cursor.x, y: cursor.y, radius }]]);
    const step = event.shiftKey ? radius * 2 : radius / 2;
    const inside = (value: number, side: number) => Math.min(side, Math.max(0, value));
    setCursor(({ x, y }) => ({
      x: inside(x + arrow[0] * step, result.width),
      y: inside(y + arrow[1] * step, result.height),
      shown: true,
    }));
  };

  return (
    <div
      className="mask"
      // All of it is seen without scrolling, and the brush below it too.
      style={{
        aspectRatio: `${result.width} / ${result.height}`,
        maxWidth: `calc(48vh * ${result.width / result.height})`,
      }}
    >
      <PictureView id={result.id} src={result.url} alt={alt} />
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: painted upon, by pointer and by keys */}
      <canvas
        ref={canvas}
        width={result.width}
        height={result.height}
        tabIndex={0}
        role="application"
        aria-label={t("background.maskCanvas")}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onKeyDown={keys}
        onBlur={() => setCursor((before) => ({ ...before, shown: false }))}
      />
    </div>
  );
}
