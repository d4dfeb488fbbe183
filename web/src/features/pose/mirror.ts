import { FACE, isPlaced, KEYPOINTS, type Keypoint, LEFT_FOOT, LEFT_HAND, RIGHT_FOOT, RIGHT_HAND } from "./skeleton";

/** Pairs among the face's 68 points, from 0: jaw, brows, nostrils, eyes, and the two lines of the mouth. */
const FACE_PAIRS: [number, number][] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((one): [number, number] => [one, 16 - one]),
  ...[17, 18, 19, 20, 21].map((one): [number, number] => [one, 43 - one]),
  [31, 35],
  [32, 34],
  [36, 45],
  [37, 44],
  [38, 43],
  [39, 42],
  [40, 47],
  [41, 46],
  [48, 54],
  [49, 53],
  [50, 52],
  [55, 59],
  [56, 58],
  [60, 64],
  [61, 63],
  [65, 67],
];

/** For every point the one on the other side of the body; itself where it lies in the middle. */
const OTHER_SIDE: number[] = (() => {
  const other = Array.from({ length: KEYPOINTS }, (_, point) => point);
  const swap = (one: number, two: number) => {
    other[one] = two;
    other[two] = one;
  };
  for (let joint = 1; joint < 17; joint += 2) swap(joint, joint + 1);
  const [left, right] = [
    [...LEFT_FOOT, ...LEFT_HAND],
    [...RIGHT_FOOT, ...RIGHT_HAND],
  ];
  for (const [place, point] of left.entries()) swap(point, right[place] as number);
  for (const [one, two] of FACE_PAIRS) swap(FACE[one] as number, FACE[two] as number);
  return other;
})();

/** The person as in a mirror: what was on the left of the picture is on its right, and a left hand is a right hand. */
export function mirrored(keypoints: Keypoint[], width: number): Keypoint[] {
  return keypoints.map((point, index) => {
    const [x, y, score] = keypoints[OTHER_SIDE[index] as number] ?? point;
    return isPlaced([x, y, score]) ? [width - 1 - x, y, score] : [x, y, score];
  });
}
