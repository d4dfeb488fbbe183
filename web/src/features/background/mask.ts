export type Dot = { x: number; y: number; radius: number };
/** What was painted without lifting the pen. */
export type Stroke = Dot[];

/** Paints strokes, round at their ends and as wide as they were pressed. */
export function paint(context: CanvasRenderingContext2D, strokes: Stroke[], colour: string): void {
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineCap = "round";
  for (const stroke of strokes) {
    stroke.forEach((dot, index) => {
      context.beginPath();
      context.arc(dot.x, dot.y, dot.radius, 0, 2 * Math.PI);
      context.fill();
      const before = stroke[index - 1];
      if (!before) return;
      context.lineWidth = dot.radius + before.radius;
      context.beginPath();
      context.moveTo(before.x, before.y);
      context.lineTo(dot.x, dot.y);
      context.stroke();
    });
  }
}

/** The mask as the gateway takes it: white where the picture is drawn again, black where it stays to the bit. */
export async function maskFile(strokes: Stroke[], size: { width: number; height: number }): Promise<File> {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.fillStyle = "#000";
  context.fillRect(0, 0, size.width, size.height);
  paint(context, strokes, "#fff");
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("the mask could not be written");
  return new File([blob], "mask.png", { type: "image/png" });
}
