import type { Pose } from "@/shared/api/models";
import { useDraft } from "@/shared/drafts";
import type { ChosenStyle } from "@/shared/styles/chosen";
import { type Person, readPeople } from "./skeleton";

export type PoseDraft = {
  characterId: string | null;
  pictureId: string | null;
  /** The pose as the gateway knows it; null while it was only placed by hand. */
  poseId: string | null;
  width: number;
  height: number;
  people: Person[];
  personIndex: number;
  /** Edited since the gateway last heard of it. */
  edited: boolean;
  usedWholePicture: boolean;
  /** How sure the body's points must be, in the mean, for a person to count. */
  minScore: number;
  count: number;
  seed: string;
  /** Limbs and head as long as the character's own. */
  ownProportions: boolean;
  transparent: boolean;
  styles: ChosenStyle[];
  /** Where picture and result differ in shape: all of the character is seen, or it covers the result. */
  fit: "pad" | "crop";
  moreOpen: boolean;
};

export const BLANK_WIDTH = 512;
export const BLANK_HEIGHT = 768;

export function usePoseDraft(projectId: string) {
  return useDraft<PoseDraft>(projectId, "pose", {
    characterId: null,
    pictureId: null,
    poseId: null,
    width: BLANK_WIDTH,
    height: BLANK_HEIGHT,
    people: [],
    personIndex: 0,
    edited: false,
    usedWholePicture: false,
    minScore: 0.3,
    count: 1,
    seed: "",
    ownProportions: false,
    transparent: false,
    styles: [],
    fit: "pad",
    moreOpen: false,
  });
}

/** The part of the draft that a pose from the gateway decides. */
export function fromPose(pose: Pose): Partial<PoseDraft> {
  return {
    poseId: pose.id,
    width: pose.width,
    height: pose.height,
    people: readPeople(pose.people),
    personIndex: 0,
    edited: false,
    usedWholePicture: pose.used_whole_picture,
  };
}
