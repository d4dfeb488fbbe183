const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const INCHES_PER_METRE = 1000 / 25.4;
/** Length, type and checksum around what a chunk holds. */
const AROUND = 12;
const METRES = 1;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (CRC_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** PNG's own note of how large a pixel is printed. */
function pixelSize(dpi: number): Uint8Array {
  const chunk = new Uint8Array(AROUND + 9);
  const view = new DataView(chunk.buffer);
  const perMetre = Math.round(dpi * INCHES_PER_METRE);
  view.setUint32(0, 9);
  chunk.set(
    [..."pHYs"].map((letter) => letter.charCodeAt(0)),
    4,
  );
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  chunk[16] = METRES;
  view.setUint32(17, crc32(chunk.subarray(4, 17)));
  return chunk;
}

/** The same PNG, every pixel kept, that prints at so many dots per inch. Throws RangeError for anything else. */
export function withDpi(png: Uint8Array, dpi: number): Uint8Array<ArrayBuffer> {
  if (SIGNATURE.some((byte, index) => png[index] !== byte)) throw new RangeError("not a PNG");
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const parts = [png.subarray(0, SIGNATURE.length)];
  for (let at = SIGNATURE.length; at + AROUND <= png.length; ) {
    const end = at + AROUND + view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type !== "pHYs") parts.push(png.subarray(at, end));
    if (type === "IHDR") parts.push(pixelSize(dpi));
    at = end;
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** How large so many pixels are on paper, in millimetres. */
export function millimetres(pixels: number, dpi: number): number {
  return Math.round((pixels / dpi) * 25.4);
}
