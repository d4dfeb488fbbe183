import type { TFunction } from "i18next";
import { BODY_JOINTS, FACE, LEFT_FOOT, LEFT_HAND, RIGHT_FOOT, RIGHT_HAND } from "./skeleton";

export const PARTS = ["body", "leftHand", "rightHand", "face"] as const;
export type Part = (typeof PARTS)[number];

/** The points of each part, in the order in which Tab visits them. */
export const POINTS_OF: Record<Part, number[]> = {
  body: [...BODY_JOINTS.keys(), ...LEFT_FOOT, ...RIGHT_FOOT],
  leftHand: LEFT_HAND,
  rightHand: RIGHT_HAND,
  face: FACE,
};

const FOOT = ["bigToe", "smallToe", "heel"] as const;
const FINGERS = ["thumb", "index", "middle", "ring", "little"] as const;
const FINGER_POINTS = 4;

/** What a point is called, for the eye and for the ear. */
export function pointName(t: TFunction, point: number): string {
  const joint = BODY_JOINTS[point];
  if (joint) return t(`pose.joints.${joint}`);
  for (const [side, foot] of [
    ["left", LEFT_FOOT],
    ["right", RIGHT_FOOT],
  ] as const) {
    const toe = FOOT[foot.indexOf(point)];
    if (toe) return t(`pose.feet.${side}`, { part: t(`pose.foot.${toe}`) });
  }
  for (const part of ["leftHand", "rightHand"] as const) {
    const place = POINTS_OF[part].indexOf(point);
    if (place === 0) return t(`pose.handRoot.${part}`);
    const finger = FINGERS[Math.floor((place - 1) / FINGER_POINTS)];
    if (place > 0 && finger) {
      const name = t(`pose.fingers.${finger}`);
      return t(`pose.handPoint.${part}`, { finger: name, number: ((place - 1) % FINGER_POINTS) + 1 });
    }
  }
  return t("pose.facePoint", { number: FACE.indexOf(point) + 1 });
}
