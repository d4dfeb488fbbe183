import { FACE, KEYPOINTS, type Keypoint, LEFT_FOOT, LEFT_HAND, type Person, RIGHT_FOOT, RIGHT_HAND } from "./skeleton";

/** OpenPose's 18 body points as ours; -1 is the neck, which we do not keep. */
const BODY_18 = [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3];
/** And its 25; -1 are the neck and the middle of the hips. */
const BODY_25 = [0, -1, 6, 8, 10, 5, 7, 9, -1, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, ...LEFT_FOOT, ...RIGHT_FOOT];
const NUMBERS_PER_POINT = 3;
const MOST_PEOPLE = 64;
const [LEFT_SHOULDER, RIGHT_SHOULDER] = [5, 6];

type Written = Record<string, unknown>;
type Size = { width: number; height: number };

export class NotOpenPose extends Error {}

function flat(points: (Keypoint | undefined)[]): number[] {
  return points.flatMap((point) => point ?? [0, 0, 0]);
}

function neckOf(keypoints: Keypoint[]): Keypoint {
  const [left, right] = [keypoints[LEFT_SHOULDER], keypoints[RIGHT_SHOULDER]];
  if (!left || !right) return [0, 0, 0];
  return [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2, Math.min(left[2], right[2])];
}

/** People as the JSON that OpenPose and its readers take: 18 body points, both hands and the face, in pixels. */
export function toOpenPose(people: Person[], { width, height }: Size): string {
  const written = people.map(({ keypoints }) => {
    const at = (points: number[]) => flat(points.map((point) => keypoints[point]));
    return {
      pose_keypoints_2d: flat(BODY_18.map((point) => (point < 0 ? neckOf(keypoints) : keypoints[point]))),
      face_keypoints_2d: at(FACE),
      hand_left_keypoints_2d: at(LEFT_HAND),
      hand_right_keypoints_2d: at(RIGHT_HAND),
    };
  });
  return `${JSON.stringify({ version: 1.3, canvas_width: width, canvas_height: height, people: written }, null, 1)}\n`;
}

function numbers(value: unknown): number[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((one) => typeof one !== "number" || !Number.isFinite(one))) {
    throw new NotOpenPose("a list of points holds something else than numbers");
  }
  return value as number[];
}

function place(keypoints: Keypoint[], targets: number[], values: number[], by: Size): void {
  targets.forEach((target, index) => {
    const [x, y, score] = values.slice(index * NUMBERS_PER_POINT, (index + 1) * NUMBERS_PER_POINT);
    if (target < 0 || x === undefined || y === undefined || !score) return;
    keypoints[target] = [x * by.width, y * by.height, Math.min(1, Math.max(0, score))];
  });
}

function readPerson(written: Written, canvas: Size): Person {
  const body = numbers(written.pose_keypoints_2d);
  const count = body.length / NUMBERS_PER_POINT;
  if (count !== BODY_18.length && count !== BODY_25.length) throw new NotOpenPose(`a body of ${count} points`);
  // Some programs write shares of the canvas instead of pixels.
  const shares = body.every((value) => Math.abs(value) <= 1);
  const by = shares ? canvas : { width: 1, height: 1 };
  const keypoints = Array.from({ length: KEYPOINTS }, (): Keypoint => [0, 0, 0]);
  place(keypoints, count === BODY_18.length ? BODY_18 : BODY_25, body, by);
  place(keypoints, FACE, numbers(written.face_keypoints_2d), by);
  place(keypoints, LEFT_HAND, numbers(written.hand_left_keypoints_2d), by);
  place(keypoints, RIGHT_HAND, numbers(written.hand_right_keypoints_2d), by);
  return { keypoints, box: null };
}

/**
 * People of an OpenPose file, with 18 or 25 body points; points that it does not have are left unplaced.
 * Throws NotOpenPose for anything else. Files of several frames are taken by their first.
 */
export function fromOpenPose(text: string, fallback: Size): Size & { people: Person[] } {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    throw new NotOpenPose("no JSON");
  }
  const frame = (Array.isArray(told) ? told[0] : told) as Written | null | undefined;
  if (!frame || !Array.isArray(frame.people) || frame.people.length === 0) throw new NotOpenPose("no people");
  const side = (value: unknown, other: number) =>
    typeof value === "number" && value >= 16 && value <= 4096 ? Math.round(value) : other;
  const size = { width: side(frame.canvas_width, fallback.width), height: side(frame.canvas_height, fallback.height) };
  return { ...size, people: frame.people.slice(0, MOST_PEOPLE).map((one) => readPerson(one as Written, size)) };
}
