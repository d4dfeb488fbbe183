import { describe, expect, test } from "vitest";
import { handleAt } from "@/features/pose/reach";
import {
  anchorOf,
  angled,
  angleOf,
  boxAround,
  degreesBetween,
  frameOf,
  growth,
  HANDLES,
  pointsIn,
  resized,
  shifted,
  toggled,
  turned,
} from "@/features/pose/selection";
import { isPlaced, KEYPOINTS, type Keypoint, LEFT_HAND } from "@/features/pose/skeleton";
import { standingPerson } from "@/features/pose/standing";

const SIZE = { width: 512, height: 768 };
const standing = standingPerson(SIZE.width, SIZE.height).keypoints;
const whole = Array.from(
  { length: KEYPOINTS },
  (_, i): Keypoint => [100 + (i % 12) * 9, 200 + Math.floor(i / 12) * 7, 1],
);
const ARM = [5, 7, 9];

const rounded = (points: Keypoint[]) => points.map(([x, y, score]) => [x.toFixed(6), y.toFixed(6), score]);
const apart = (points: Keypoint[], one: number, other: number) => {
  const [a, b] = [points[one] as Keypoint, points[other] as Keypoint];
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
};

describe("a rectangle", () => {
  test("holds the placed points inside it, whichever corners it was drawn between", () => {
    const [x, y] = standing[9] as Keypoint;
    const [one, other] = [
      { x: x - 3, y: y - 3 },
      { x: x + 3, y: y + 3 },
    ];
    expect(pointsIn([5, 7, 9, 11], standing, one, other)).toEqual([9]);
    expect(pointsIn([5, 7, 9, 11], standing, other, one)).toEqual([9]);
    expect(pointsIn(LEFT_HAND, standing, { x: -9, y: -9 }, { x: 9, y: 9 })).toEqual([]); // nobody has placed them
  });
});

describe("chosen points", () => {
  test("move together, with what hangs from them, and nothing else moves", () => {
    const moved = shifted(whole, ARM, { x: 4, y: -6 }, SIZE, false);
    expect(moved[7]).toEqual([(whole[7]?.[0] ?? 0) + 4, (whole[7]?.[1] ?? 0) - 6, 1]);
    expect(moved[100]).toEqual([(whole[100]?.[0] ?? 0) + 4, (whole[100]?.[1] ?? 0) - 6, 1]); // the hand of the wrist
    expect(moved.filter((point, i) => point !== whole[i])).toHaveLength(ARM.length + LEFT_HAND.length);
  });

  test("stay inside the picture, and keep their shape at its edge", () => {
    const moved = shifted(standing, ARM, { x: 9999, y: 0 }, SIZE, false);
    const right = Math.max(...ARM.map((point) => moved[point]?.[0] ?? 0));
    expect(right).toBeCloseTo(SIZE.width - 1);
    expect(apart(moved, 5, 9)).toBeCloseTo(apart(standing, 5, 9));
  });

  test("come back as they were when they are turned there and back, or all the way round", () => {
    const about = { x: 130, y: 210 };
    const there = turned(whole, ARM, 37, about, false);
    expect(rounded(turned(there, ARM, -37, about, false))).toEqual(rounded(whole));
    expect(rounded(turned(whole, ARM, 360, about, false))).toEqual(rounded(whole));
    expect(apart(there, 5, 100)).toBeCloseTo(apart(whole, 5, 100));
  });

  test("turn clockwise by positive degrees, as the picture is seen", () => {
    const right = turned([[10, 0, 1]], [0], 90, { x: 0, y: 0 }, false)[0] as Keypoint;
    expect(right[0]).toBeCloseTo(0);
    expect(right[1]).toBeCloseTo(10);
  });

  test("grow and shrink about a place, never to nothing and never without end", () => {
    const about = { x: 100, y: 200 };
    expect(apart(resized(whole, ARM, 2, about, SIZE, false), 5, 9)).toBeCloseTo(2 * apart(whole, 5, 9));
    expect(apart(resized(whole, ARM, 0, about, SIZE, false), 5, 9)).toBeCloseTo(0.05 * apart(whole, 5, 9));
    const huge = boxAround(resized(whole, ARM, 1e9, about, SIZE, false), ARM);
    expect(Math.max(huge?.width ?? 0, huge?.height ?? 0)).toBeCloseTo(2 * SIZE.height);
  });

  test("leave alone what nobody has placed", () => {
    const moved = turned(standing, [9], 30, { x: 0, y: 0 }, false);
    expect(LEFT_HAND.some((point) => isPlaced(moved[point] as Keypoint))).toBe(false);
  });

  test("are hidden together, and shown again when all are hidden", () => {
    const some = toggled(whole, [5]);
    const hidden = toggled(some, ARM);
    expect(ARM.map((point) => hidden[point]?.[2])).toEqual([0, 0, 0]);
    expect(ARM.map((point) => toggled(hidden, ARM)[point]?.[2])).toEqual([1, 1, 1]);
  });
});

describe("the angle of a bone", () => {
  const before = whole.map((point, i): Keypoint => (i === 7 ? [100, 100, 1] : i === 9 ? [100, 140, 1] : point));

  test("is told from the joint that it hangs from, where there is one", () => {
    expect(angleOf(before, 9)).toBeCloseTo(90);
    expect([0, 5, 11, 30, 91].map((point) => angleOf(before, point))).toEqual([null, null, null, null, null]);
    expect(angleOf(standing, LEFT_HAND[4] as number)).toBeNull(); // nobody has placed it
  });

  test("can be set: the bone keeps its length, and what is further out comes along", () => {
    const raised = angled(before, 9, 0);
    expect(raised[9]?.[0]).toBeCloseTo(140);
    expect(raised[9]?.[1]).toBeCloseTo(100);
    expect(apart(raised, 9, 100)).toBeCloseTo(apart(before, 9, 100));
    expect(raised[7]).toEqual(before[7]);
    expect(angleOf(angled(before, 95, 33), 95)).toBeCloseTo(33);
  });
});

describe("the frame", () => {
  const view = { scale: 2, x: 10, y: 0 };
  const box = { left: 50, top: 60, width: 30, height: 40 };

  test("has handles that are found at their places, and nowhere else", () => {
    const { handles } = frameOf(box, view);
    for (const handle of HANDLES) expect(handleAt(box, view, handles[handle], 13)).toBe(handle);
    expect(handleAt(box, view, [140, 160], 13)).toBeNull();
    expect(handleAt(null, view, handles.turn, 13)).toBeNull();
  });

  test("leaves every handle further from the points than a finger reaches, even around two of them", () => {
    const { handles } = frameOf({ left: 50, top: 60, width: 0, height: 0 }, view);
    for (const handle of HANDLES) {
      expect(Math.hypot(handles[handle][0] - 110, handles[handle][1] - 120)).toBeGreaterThan(24);
    }
  });

  test("holds the corner across from the one that is dragged, and grows by the way along it", () => {
    const anchor = anchorOf("topLeft", box);
    expect(anchor).toEqual({ x: 80, y: 100 });
    expect(growth({ x: 50, y: 60 }, { x: 20, y: 20 }, anchor)).toBeCloseTo(2);
    expect(growth({ x: 50, y: 60 }, { x: 300, y: 300 }, anchor)).toBe(0.05);
    expect(growth(anchor, anchor, anchor)).toBe(1);
  });

  test("turns by what the pointer has gone round, in steps of 15 degrees when that is wanted", () => {
    const about = { x: 0, y: 0 };
    expect(degreesBetween({ x: 1, y: 0 }, { x: 0, y: 1 }, about, false)).toBeCloseTo(90);
    expect(degreesBetween({ x: 1, y: 0 }, { x: 1, y: 0.5 }, about, true)).toBe(30);
  });
});
