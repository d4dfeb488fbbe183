import type { Pose } from "@/shared/api/models";

/** A point of a person: x and y in pixels of the picture, and a score in [0, 1]. */
export type Keypoint = [x: number, y: number, score: number];
/** A person as its 133 keypoints and, where it was found rather than placed, its box. */
export type Person = Omit<Pose["people"][number], "keypoints"> & { keypoints: Keypoint[] };
export type Side = "left" | "right" | "middle";

/** The body's points of COCO-WholeBody, in its order 0-16. */
export const BODY_JOINTS = [
  "nose",
  "leftEye",
  "rightEye",
  "leftEar",
  "rightEar",
  "leftShoulder",
  "rightShoulder",
  "leftElbow",
  "rightElbow",
  "leftWrist",
  "rightWrist",
  "leftHip",
  "rightHip",
  "leftKnee",
  "rightKnee",
  "leftAnkle",
  "rightAnkle",
] as const;

export const KEYPOINTS = 133;
/** Points below this are not drawn into the skeleton that the character follows. */
export const VISIBLE_SCORE = 0.3;

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
export const LEFT_FOOT = range(17, 19);
export const RIGHT_FOOT = range(20, 22);
export const FACE = range(23, 90);
export const LEFT_HAND = range(91, 111);
export const RIGHT_HAND = range(112, 132);
export const HEAD = [1, 2, 3, 4, ...FACE];

/** Lines between body points; the neck is where the shoulders meet. */
export const LIMBS: [number, number][] = [
  [5, 6],
  [5, 7],
  [7, 9],
  [6, 8],
  [8, 10],
  [5, 11],
  [6, 12],
  [11, 12],
  [11, 13],
  [13, 15],
  [12, 14],
  [14, 16],
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 4],
  ...LEFT_FOOT.map((toe): [number, number] => [15, toe]),
  ...RIGHT_FOOT.map((toe): [number, number] => [16, toe]),
];

/** Five chains from the wrist's end of each hand. */
export const HAND_LINES: [number, number][] = [LEFT_HAND, RIGHT_HAND].flatMap((hand) =>
  range(0, 19).map((line): [number, number] => {
    const tip = hand[line + 1] as number;
    return [line % 4 === 0 ? (hand[0] as number) : tip - 1, tip];
  }),
);

const LAST_BODY_JOINT = 16;

export function sideOf(point: number): Side {
  if (point === 0 || FACE.includes(point)) return "middle";
  if (point <= LAST_BODY_JOINT) return point % 2 === 1 ? "left" : "right";
  return LEFT_FOOT.includes(point) || LEFT_HAND.includes(point) ? "left" : "right";
}

/** A point nobody has found or placed yet stands at 0, 0 unseen; it is not drawn and cannot be taken hold of. */
export function isPlaced([x, y, score]: Keypoint): boolean {
  return score > 0 || x !== 0 || y !== 0;
}

/** What always follows a joint: a hand its wrist, a foot its ankle, the face the nose. */
const ATTACHED: Record<number, number[]> = {
  0: HEAD,
  9: LEFT_HAND,
  10: RIGHT_HAND,
  15: LEFT_FOOT,
  16: RIGHT_FOOT,
};
const POINTS_OF_A_FINGER = 4;
const NEXT_JOINTS: Record<number, number[]> = {
  5: [7],
  7: [9],
  6: [8],
  8: [10],
  11: [13],
  13: [15],
  12: [14],
  14: [16],
};

/** What is further out on the same finger. */
function restOfFinger(point: number): number[] {
  const hand = [LEFT_HAND, RIGHT_HAND].find((points) => points.includes(point));
  if (!hand) return [];
  const place = hand.indexOf(point);
  if (place === 0) return hand.slice(1);
  const lastOfFinger = Math.ceil(place / POINTS_OF_A_FINGER) * POINTS_OF_A_FINGER;
  return hand.slice(place + 1, lastOfFinger + 1);
}

/** The points that move with a joint; with `wholeLimb` also everything further out on the same limb or finger. */
export function carriedBy(joint: number, wholeLimb: boolean): number[] {
  if (joint > LAST_BODY_JOINT) return [joint, ...(wholeLimb ? restOfFinger(joint) : [])];
  const next = wholeLimb ? (NEXT_JOINTS[joint] ?? []) : [];
  return [joint, ...(ATTACHED[joint] ?? []), ...next.flatMap((other) => carriedBy(other, true))];
}

/** The joint that a point hangs from by a bone that can be turned; null for the nose, shoulders, hips and the face. */
export function parentOf(point: number): number | null {
  const limb = Object.entries(NEXT_JOINTS).find(([, next]) => next.includes(point));
  if (limb) return Number(limb[0]);
  if (point === 1 || point === 2) return 0;
  if (point === 3 || point === 4) return point - 2;
  if (LEFT_FOOT.includes(point)) return 15;
  if (RIGHT_FOOT.includes(point)) return 16;
  const hand = [LEFT_HAND, RIGHT_HAND].find((points) => points.includes(point));
  const place = hand?.indexOf(point) ?? 0;
  if (!hand || place === 0) return null;
  return (place % POINTS_OF_A_FINGER === 1 ? hand[0] : point - 1) ?? null;
}

/** A coordinate brought inside a picture of this many pixels. */
export const clamp = (value: number, pixels: number) => Math.min(pixels - 1, Math.max(0, value));

/** Puts one joint at (x, y), inside the picture, and shows it; what hangs from it keeps its place beside it. */
export function moveJoint(
  keypoints: Keypoint[],
  joint: number,
  to: { x: number; y: number },
  size: { width: number; height: number },
  wholeLimb: boolean,
): Keypoint[] {
  const from = keypoints[joint];
  if (!from) return keypoints;
  const dx = clamp(to.x, size.width) - from[0];
  const dy = clamp(to.y, size.height) - from[1];
  const carried = new Set(carriedBy(joint, wholeLimb));
  return keypoints.map((point, index): Keypoint => {
    if (!carried.has(index) || (index !== joint && !isPlaced(point))) return point;
    const score = index === joint ? 1 : point[2];
    return [point[0] + dx, point[1] + dy, score];
  });
}

/** Hides or shows a joint without moving it. */
export function toggleJoint(keypoints: Keypoint[], joint: number): Keypoint[] {
  return keypoints.map((point, index): Keypoint => {
    if (index !== joint) return point;
    return [point[0], point[1], point[2] > VISIBLE_SCORE ? 0 : 1];
  });
}

/** People as the gateway tells them; the triples of its JSON are lists of any length to the type system. */
export function readPeople(people: Pose["people"]): Person[] {
  return people.map((person) => ({
    ...person,
    keypoints: person.keypoints.map(([x = 0, y = 0, score = 0]): Keypoint => [x, y, score]),
  }));
}
