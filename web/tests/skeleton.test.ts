import { describe, expect, test } from "vitest";
import { carriedBy, KEYPOINTS, type Keypoint, moveJoint, readPeople, toggleJoint } from "../src/features/pose/skeleton";
import { standingPerson } from "../src/features/pose/standing";

const SIZE = { width: 400, height: 600 };
const person = Array.from({ length: KEYPOINTS }, (_, i): Keypoint => [100 + i, 200 + i, 0.5]);
const LEFT_WRIST = 9;
const LEFT_ELBOW = 7;
const LEFT_HAND_FIRST = 91;

describe("moving a joint", () => {
  test("takes the hand along with its wrist, and nothing else", () => {
    const moved = moveJoint(person, LEFT_WRIST, { x: 50, y: 60 }, SIZE, false);
    expect(moved[LEFT_WRIST]).toEqual([50, 60, 1]);
    expect(moved[LEFT_HAND_FIRST]).toEqual([191 - 59, 291 - 149, 0.5]);
    expect(moved.filter((point, i) => point !== person[i])).toHaveLength(22);
  });

  test("takes the whole limb along when asked", () => {
    expect(carriedBy(LEFT_ELBOW, true)).toContain(LEFT_WRIST);
    expect(carriedBy(LEFT_ELBOW, true)).toContain(LEFT_HAND_FIRST);
    expect(carriedBy(LEFT_ELBOW, false)).toEqual([LEFT_ELBOW]);
  });

  test("keeps the joint inside the picture", () => {
    expect(moveJoint(person, 0, { x: -20, y: 9999 }, SIZE, false)[0]).toEqual([0, 599, 1]);
  });

  test("leaves the person it started from as it was", () => {
    const before = structuredClone(person);
    moveJoint(person, LEFT_WRIST, { x: 1, y: 1 }, SIZE, true);
    expect(person).toEqual(before);
  });
});

test("a joint is hidden and shown without being moved", () => {
  const hidden = toggleJoint(person, 3);
  expect(hidden[3]).toEqual([103, 203, 0]);
  expect(toggleJoint(hidden, 3)[3]).toEqual([103, 203, 1]);
});

test("a placed skeleton is a whole person inside the picture, without a guessed face", () => {
  const { keypoints } = standingPerson(300, 200);
  expect(keypoints).toHaveLength(KEYPOINTS);
  const seen = keypoints.filter((point) => point[2] > 0);
  expect(seen).toHaveLength(23);
  expect(seen.every(([x, y]) => x >= 0 && x < 300 && y >= 0 && y < 200)).toBe(true);
});

test("people are read from the gateway's lists", () => {
  expect(readPeople([{ keypoints: [[1, 2, 0.5]], box: null }])[0]?.keypoints).toEqual([[1, 2, 0.5]]);
});
