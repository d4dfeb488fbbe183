import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { millimetres, withDpi } from "@/shared/results/printDpi";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A chunk whose checksum nobody reads here. */
function chunk(type: string, bytes: Uint8Array): number[] {
  const whole = Buffer.alloc(12 + bytes.length);
  whole.writeUInt32BE(bytes.length, 0);
  whole.write(type, 4, "latin1");
  whole.set(bytes, 8);
  return [...whole];
}

function chunksOf(png: Uint8Array): [string, Buffer][] {
  const bytes = Buffer.from(png);
  const found: [string, Buffer][] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    found.push([bytes.toString("latin1", at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length)]);
  }
  return found;
}

const HEADER = new Uint8Array([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
const PIXELS = new Uint8Array(deflateSync(Buffer.from([0, 7])));
const PNG = Uint8Array.from([
  ...SIGNATURE,
  ...chunk("IHDR", HEADER),
  ...chunk("pHYs", new Uint8Array(9)),
  ...chunk("IDAT", PIXELS),
  ...chunk("IEND", new Uint8Array()),
]);

describe("a picture for print", () => {
  test("tells its resolution once, right after the header, and keeps every pixel", () => {
    const chunks = chunksOf(withDpi(PNG, 300));
    expect(chunks.map(([type]) => type)).toEqual(["IHDR", "pHYs", "IDAT", "IEND"]);
    const told = chunks[1]?.[1];
    expect([told?.readUInt32BE(0), told?.readUInt32BE(4), told?.[8]]).toEqual([11811, 11811, 1]);
    expect(chunks[2]?.[1]).toEqual(Buffer.from(PIXELS));
  });

  test("has the checksum that PNG asks for", () => {
    const bytes = Buffer.from(withDpi(PNG, 72));
    const at = bytes.indexOf("pHYs");
    expect(bytes.readUInt32BE(at + 4)).toBe(2835);
    expect(bytes.subarray(at + 13, at + 17).toString("hex")).toBe("009a9c18"); // of 72 dpi, as written everywhere
  });

  test("is as large on paper as pixels and resolution say", () => {
    expect(millimetres(3508, 300)).toBe(297);
  });

  test("is made of a PNG only", () => {
    expect(() => withDpi(new Uint8Array([0xff, 0xd8, 0xff]), 300)).toThrow(RangeError);
  });
});
