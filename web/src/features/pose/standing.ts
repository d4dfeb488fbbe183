import { KEYPOINTS, type Keypoint, type Person } from "./skeleton";

/** Body and feet of a person who stands with arms a little away, as shares of a box one high and half as wide. */
const STANDING: [number, number][] = [
  [0.5, 0.12],
  [0.53, 0.1],
  [0.47, 0.1],
  [0.57, 0.115],
  [0.43, 0.115],
  [0.62, 0.22],
  [0.38, 0.22],
  [0.7, 0.36],
  [0.3, 0.36],
  [0.75, 0.49],
  [0.25, 0.49],
  [0.57, 0.52],
  [0.43, 0.52],
  [0.58, 0.73],
  [0.42, 0.73],
  [0.59, 0.93],
  [0.41, 0.93],
  [0.64, 0.96],
  [0.66, 0.955],
  [0.58, 0.95],
  [0.36, 0.96],
  [0.34, 0.955],
  [0.42, 0.95],
];

/** A person to start from where none was found. Face and hands are left unseen rather than guessed. */
export function standingPerson(width: number, height: number): Person {
  const tall = Math.min(height, width * 2) * 0.94;
  const left = (width - tall) / 2;
  const top = (height - tall) / 2;
  const body = STANDING.map(([x, y]): Keypoint => [left + x * tall, top + y * tall, 1]);
  const unseen = Array.from({ length: KEYPOINTS - body.length }, (): Keypoint => [0, 0, 0]);
  return { keypoints: [...body, ...unseen], box: null };
}
