import { describe, expect, test } from "vitest";
import { HAND_SHAPES, withHand } from "../src/features/pose/hands";
import { mirrored } from "../src/features/pose/mirror";
import { fromOpenPose, NotOpenPose, toOpenPose } from "../src/features/pose/openpose";
import { PARTS, POINTS_OF } from "../src/features/pose/parts";
import { pointAt } from "../src/features/pose/reach";
import { carriedBy, KEYPOINTS, type Keypoint, LEFT_HAND, moveJoint } from "../src/features/pose/skeleton";
import { standingPerson } from "../src/features/pose/standing";

const SIZE = { width: 512, height: 768 };
const whole = Array.from({ length: KEYPOINTS }, (_, i): Keypoint => [20 + i, 300 + ((i * 37) % 200), 0.9]);
const standing = standingPerson(SIZE.width, SIZE.height).keypoints;

test("the four parts hold every point once", () => {
  const points = PARTS.flatMap((part) => POINTS_OF[part]).sort((one, other) => one - other);
  expect(points).toEqual(Array.from({ length: KEYPOINTS }, (_, i) => i));
});

describe("the mirror", () => {
  test("changes nothing when it is used twice", () => {
    expect(mirrored(mirrored(whole, SIZE.width), SIZE.width)).toEqual(whole);
  });

  test("makes a right wrist of a left one, and a right thumb of a left one", () => {
    const turned = mirrored(whole, SIZE.width);
    expect(turned[10]).toEqual([SIZE.width - 1 - 29, whole[9]?.[1], 0.9]);
    expect(turned[116]).toEqual([SIZE.width - 1 - 115, whole[95]?.[1], 0.9]);
  });

  test("leaves points alone that nobody has placed", () => {
    expect(mirrored(standing, SIZE.width)[100]).toEqual([0, 0, 0]);
  });
});

describe("a hand", () => {
  test("is placed at its wrist, in the size of its forearm, for every shape", () => {
    const longest = HAND_SHAPES.map((shape) => {
      const placed = withHand(standing, "left", shape) ?? [];
      const hand = LEFT_HAND.map((point) => placed[point] as Keypoint);
      expect(hand[0]?.slice(0, 2)).toEqual(standing[9]?.slice(0, 2));
      expect(hand.every(([, , score]) => score === 1)).toBe(true);
      expect(placed.filter((point, i) => point !== standing[i])).toHaveLength(21);
      const [x = 0, y = 0] = hand[0] ?? [];
      return Math.max(...hand.map((point) => Math.hypot(point[0] - x, point[1] - y)));
    });
    const [, flat = 0, fist = 0] = longest;
    expect(fist).toBeLessThan(0.75 * flat);
    expect(new Set(longest.map((value) => value.toFixed(3))).size).toBeGreaterThanOrEqual(4);
  });

  test("is not placed where the arm is not seen", () => {
    const armless = standing.map((point, i): Keypoint => (i === 7 ? [point[0], point[1], 0] : point));
    expect(withHand(armless, "left", "flat")).toBeNull();
  });

  test("moves by the finger when the whole limb is wanted", () => {
    expect(carriedBy(96, true)).toEqual([96, 97, 98, 99]);
    expect(carriedBy(96, false)).toEqual([96]);
    expect(carriedBy(91, true)).toHaveLength(21);
  });

  test("that nobody has placed does not come along with its wrist", () => {
    expect(moveJoint(standing, 9, { x: 5, y: 5 }, SIZE, false)[95]).toEqual([0, 0, 0]);
  });
});

describe("an OpenPose file", () => {
  test("comes back as it went, but for the feet", () => {
    const read = fromOpenPose(toOpenPose([{ keypoints: whole, box: null }], SIZE), { width: 16, height: 16 });
    const feet = new Set([17, 18, 19, 20, 21, 22]);
    expect([read.width, read.height]).toEqual([SIZE.width, SIZE.height]);
    expect(read.people[0]?.keypoints).toEqual(whole.map((point, i) => (feet.has(i) ? [0, 0, 0] : point)));
  });

  test("of 25 body points brings the feet, and shares of the canvas become pixels", () => {
    const body = Array.from({ length: 25 }, (_, i) => [0.5, i / 50, 1]).flat();
    const file = { canvas_width: 200, canvas_height: 100, people: [{ pose_keypoints_2d: body }] };
    const [person] = fromOpenPose(JSON.stringify([file]), SIZE).people;
    expect(person?.keypoints[17]).toEqual([100, 38, 1]);
    expect(person?.keypoints[95]).toEqual([0, 0, 0]);
  });

  test.each(["", "{}", '{"people": []}', '{"people": [{}]}', '{"people": [{"pose_keypoints_2d": ["a"]}]}', "[null]"])(
    "is refused when it is something else: %s",
    (text) => expect(() => fromOpenPose(text, SIZE)).toThrow(NotOpenPose),
  );
});

test("the pointer takes the nearest point within its reach, and none that is not placed", () => {
  const view = { scale: 2, x: 10, y: 0 };
  const points = [{ at: [0, 0, 0] }, { at: [20, 20, 1] }, { at: [24, 20, 0] }].map(({ at }) => at as Keypoint);
  expect(pointAt([0, 1, 2], points, view, [51, 41], 13)).toBe(1);
  expect(pointAt([0, 1, 2], points, view, [57, 41], 13)).toBe(2);
  expect(pointAt([0, 1, 2], points, view, [10, 1], 13)).toBeNull();
});
