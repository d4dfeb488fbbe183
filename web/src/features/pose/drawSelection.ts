import type { View } from "./drawPerson";
import type { Box, Handle } from "./selection";
import { frameOf, HANDLES } from "./selection";

type Canvas = Pick<
  CanvasRenderingContext2D,
  "beginPath" | "moveTo" | "lineTo" | "stroke" | "arc" | "rect" | "fill" | "setLineDash"
> & { lineWidth: number; strokeStyle: unknown; fillStyle: unknown };

const HANDLE_PX = 6;
const DASH = [5, 4];

/** Two lines, dark on light, so that a frame is seen on every picture. */
function twice(canvas: Canvas, path: () => void, colour: string): void {
  for (const [width, stroke, dash] of [
    [3, "#ffffff", []],
    [1.5, colour, DASH],
  ] as const) {
    canvas.lineWidth = width;
    canvas.strokeStyle = stroke;
    canvas.setLineDash([...dash]);
    canvas.beginPath();
    path();
    canvas.stroke();
  }
  canvas.setLineDash([]);
}

/** The frame around several chosen points, squares to resize it by, and the circle to turn it by. */
export function drawFrame(canvas: Canvas, box: Box, view: View, colour: string): void {
  const { left, top, width, height, handles } = frameOf(box, view);
  twice(
    canvas,
    () => {
      canvas.rect(left, top, width, height);
      canvas.moveTo(left + width / 2, top);
      canvas.lineTo(...handles.turn);
    },
    colour,
  );
  for (const handle of HANDLES) drawHandle(canvas, handle, handles[handle], colour);
}

function drawHandle(canvas: Canvas, handle: Handle, [x, y]: [number, number], colour: string): void {
  canvas.beginPath();
  if (handle === "turn") canvas.arc(x, y, HANDLE_PX + 1, 0, 2 * Math.PI);
  else canvas.rect(x - HANDLE_PX, y - HANDLE_PX, 2 * HANDLE_PX, 2 * HANDLE_PX);
  canvas.fillStyle = "#ffffff";
  canvas.strokeStyle = colour;
  canvas.lineWidth = 2;
  canvas.fill();
  canvas.stroke();
}

/** The rectangle that is being drawn open, in pixels of the stage. */
export function drawMarquee(canvas: Canvas, [from, to]: [[number, number], [number, number]], colour: string): void {
  twice(canvas, () => canvas.rect(from[0], from[1], to[0] - from[0], to[1] - from[1]), colour);
}
