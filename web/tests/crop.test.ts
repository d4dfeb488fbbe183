import { describe, expect, test } from "vitest";
import { between, isLargeEnough, typed, whole } from "@/features/style/crop";

const PAGE = { width: 700, height: 2000 };

describe("a part of a picture", () => {
  test("is what lies between the ends of a drag, whichever way it went, inside of the picture", () => {
    const expected = { x: 100, y: 0, width: 600, height: 300 };
    expect(between({ x: 100.4, y: 300 }, { x: 900, y: -50 }, PAGE)).toEqual(expected);
    expect(between({ x: 900, y: -50 }, { x: 100.4, y: 300 }, PAGE)).toEqual(expected);
  });

  test("stays inside of the picture when its numbers are typed", () => {
    expect(typed(whole(PAGE), { x: 650 }, PAGE)).toEqual({ x: 650, y: 0, width: 50, height: 2000 });
    expect(typed(whole(PAGE), { height: -4 }, PAGE)).toEqual({ x: 0, y: 0, width: 700, height: 1 });
    expect(typed(whole(PAGE), { y: 5000 }, PAGE)).toEqual({ x: 0, y: 1999, width: 700, height: 1 });
  });

  test("has to be large enough to teach anything", () => {
    expect(isLargeEnough({ width: 64, height: 64 })).toBe(true);
    expect(isLargeEnough({ width: 2000, height: 63 })).toBe(false);
  });
});
