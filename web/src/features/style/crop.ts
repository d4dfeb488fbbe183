/** A part of a picture, in its pixels; whole numbers. */
export type Area = { x: number; y: number; width: number; height: number };
type Size = { width: number; height: number };
type Place = { x: number; y: number };

/** What is smaller teaches nothing. */
export const LEAST_SIDE = 64;

export const whole = ({ width, height }: Size): Area => ({ x: 0, y: 0, width, height });

const clamped = (value: number, least: number, most: number) => Math.round(Math.min(most, Math.max(least, value)));

/** What lies between two places of a drag, as far as it is inside of the picture. */
export function between(one: Place, other: Place, { width, height }: Size): Area {
  const [left, right] = [one.x, other.x].map((x) => clamped(x, 0, width)).sort((a, b) => a - b) as [number, number];
  const [top, bottom] = [one.y, other.y].map((y) => clamped(y, 0, height)).sort((a, b) => a - b) as [number, number];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The area after one of its numbers was typed: a corner moves as far as there is room, a side ends at the edge. */
export function typed(area: Area, change: Partial<Area>, size: Size): Area {
  const next = { ...area, ...change };
  const x = clamped(next.x, 0, size.width - 1);
  const y = clamped(next.y, 0, size.height - 1);
  return {
    x,
    y,
    width: clamped(next.width, 1, size.width - x),
    height: clamped(next.height, 1, size.height - y),
  };
}

export const isLargeEnough = ({ width, height }: Size) => Math.min(width, height) >= LEAST_SIDE;

/** The part as a PNG of its own, at the picture's own size. */
export async function cut(link: string, area: Area, filename: string): Promise<File> {
  const answer = await fetch(link);
  if (!answer.ok) throw new Error(`the picture answered ${answer.status}`);
  const part = await createImageBitmap(await answer.blob(), area.x, area.y, area.width, area.height);
  const canvas = new OffscreenCanvas(area.width, area.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no room to draw the part");
  context.drawImage(part, 0, 0);
  part.close();
  return new File([await canvas.convertToBlob({ type: "image/png" })], filename, { type: "image/png" });
}
