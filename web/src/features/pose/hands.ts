import { type Keypoint, LEFT_HAND, RIGHT_HAND, VISIBLE_SCORE } from "./skeleton";

export const HAND_SHAPES = ["relaxed", "flat", "fist", "point", "grip"] as const;
export type HandShape = (typeof HAND_SHAPES)[number];
type Vector = [x: number, y: number];

/** A hand from wrist to middle fingertip is about this much of its forearm. */
const HAND_OF_FOREARM = 0.72;
/** Where each finger leaves the palm, in hand lengths: along the forearm, and towards the thumb. */
const KNUCKLES: Vector[] = [
  [0.14, 0.13],
  [0.46, 0.13],
  [0.48, 0.03],
  [0.46, -0.06],
  [0.41, -0.15],
];
/** The three bones of each finger, in hand lengths. */
const BONES = [
  [0.18, 0.14, 0.12],
  [0.21, 0.13, 0.1],
  [0.24, 0.15, 0.11],
  [0.22, 0.14, 0.1],
  [0.17, 0.1, 0.09],
];
/** Degrees by which straight fingers lean towards the thumb. */
const SPREAD = [42, 9, 0, -8, -17];
/** Degrees that each joint of a finger is bent towards the palm, thumb first. */
const BENT: Record<HandShape, number[]> = {
  relaxed: [12, 22, 26, 28, 30],
  flat: [0, 0, 0, 0, 0],
  fist: [38, 82, 84, 84, 82],
  point: [38, 0, 84, 84, 82],
  grip: [30, 46, 48, 50, 52],
};
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** The 21 points of a hand whose wrist is at 0, 0, whose forearm comes along +x, and whose thumb is at +y. */
function handShape(shape: HandShape): Vector[] {
  const points: Vector[] = [[0, 0]];
  KNUCKLES.forEach((knuckle, finger) => {
    let [x, y] = knuckle;
    points.push([x, y]);
    const lean = radians(SPREAD[finger] ?? 0);
    let bent = 0;
    for (const bone of BONES[finger] ?? []) {
      bent += radians(BENT[shape][finger] ?? 0);
      const seen = bone * Math.cos(bent); // bent towards the viewer it looks shorter, and in the end turns back
      x += seen * Math.cos(lean);
      y += seen * Math.sin(lean);
      points.push([x, y]);
    }
  });
  return points;
}

/** Which way the thumb is from the middle finger: as it was where the hand was seen, else towards the head. */
function thumbSide(keypoints: Keypoint[], hand: number[], along: Vector): 1 | -1 {
  const [wrist, thumb] = [keypoints[hand[0] as number], keypoints[hand[4] as number]];
  const nose = keypoints[0];
  const seen = wrist && thumb && wrist[2] > VISIBLE_SCORE && thumb[2] > VISIBLE_SCORE;
  const [from, to] = seen ? [wrist, thumb] : [wrist, nose];
  if (!from || !to) return 1;
  return along[0] * (to[1] - from[1]) - along[1] * (to[0] - from[0]) >= 0 ? 1 : -1;
}

/** A hand of this shape at its wrist, in line with its forearm; null where elbow or wrist is not seen. */
export function withHand(keypoints: Keypoint[], side: "left" | "right", shape: HandShape): Keypoint[] | null {
  const elbow = keypoints[side === "left" ? 7 : 8];
  const wrist = keypoints[side === "left" ? 9 : 10];
  if (!elbow || !wrist || elbow[2] <= VISIBLE_SCORE || wrist[2] <= VISIBLE_SCORE) return null;
  const forearm = Math.hypot(wrist[0] - elbow[0], wrist[1] - elbow[1]);
  if (forearm === 0) return null;
  const along: Vector = [(wrist[0] - elbow[0]) / forearm, (wrist[1] - elbow[1]) / forearm];
  const hand = side === "left" ? LEFT_HAND : RIGHT_HAND;
  const length = forearm * HAND_OF_FOREARM;
  const thumb = thumbSide(keypoints, hand, along) * length;
  const changed = keypoints.slice();
  handShape(shape).forEach(([x, y], place) => {
    changed[hand[place] as number] = [
      wrist[0] + along[0] * x * length - along[1] * y * thumb,
      wrist[1] + along[1] * x * length + along[0] * y * thumb,
      1,
    ];
  });
  return changed;
}
