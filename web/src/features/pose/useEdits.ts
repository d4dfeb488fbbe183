import { useState } from "react";
import { type Part, POINTS_OF } from "./parts";
import {
  anchorOf,
  angled,
  boxAround,
  degreesBetween,
  growth,
  middleOf,
  type Place,
  resized,
  shifted,
  toggled,
  turned,
} from "./selection";
import { isPlaced, type Keypoint, moveJoint, toggleJoint } from "./skeleton";
import { useHistory } from "./useHistory";
import type { HandleDrag } from "./usePointer";
import type { PoseDraft } from "./usePoseDraft";

const WHOLE = 100;

/** Which part and which points of a person are being edited, and every change of them, which can all be undone. */
export function useEdits(draft: PoseDraft, change: (part: Partial<PoseDraft>) => void) {
  const [part, setPart] = useState<Part>("body");
  const [selected, setSelected] = useState(0);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [wholeLimb, setWholeLimb] = useState(false);
  const history = useHistory(draft.people, (people) => change({ people, edited: true }));
  const keypoints = draft.people[draft.personIndex]?.keypoints ?? [];

  const replace = (changed: Keypoint[], tag: string) => {
    history.begin(tag);
    const people = draft.people.map((one, index) =>
      index === draft.personIndex ? { ...one, keypoints: changed } : one,
    );
    change({ people, edited: true });
  };
  const replaceWhole = (changed: Keypoint[], tag: string) => {
    history.endRun();
    replace(changed, tag);
    history.endRun();
  };
  /** Whether what happens to this point happens to others too. */
  const together = (point: number) => chosen.length > 1 && chosen.includes(point);

  const move = (point: number, to: Place, tag: string) => {
    const from = keypoints[point];
    if (!from || !together(point)) return replace(moveJoint(keypoints, point, to, draft, wholeLimb), tag);
    const by = { x: to.x - from[0], y: to.y - from[1] };
    replace(shifted(keypoints, chosen, by, draft, wholeLimb), `${tag}:together`);
  };
  const dragHandle = ({ handle, base, box, from, to, firm }: HandleDrag, tag: string) => {
    const about = anchorOf(handle, box);
    if (handle === "turn") {
      return replace(turned(base, chosen, degreesBetween(from, to, about, firm), about, wholeLimb), tag);
    }
    replace(resized(base, chosen, growth(from, to, about), about, draft, wholeLimb), tag);
  };
  const setAngle = (point: number, degrees: number) => replace(angled(keypoints, point, degrees), `angle:${point}`);
  const box = boxAround(keypoints, chosen);
  const turn = (degrees: number, tag = "turn") => {
    if (box) replace(turned(keypoints, chosen, degrees, middleOf(box), wholeLimb), tag);
  };
  const resize = (percent: number, tag = "resize") => {
    if (box) replace(resized(keypoints, chosen, 1 + percent / WHOLE, middleOf(box), draft, wholeLimb), tag);
  };
  const toggle = (point: number) =>
    replaceWhole(together(point) ? toggled(keypoints, chosen) : toggleJoint(keypoints, point), `toggle:${point}`);

  const choose = (wanted: number[], adding: boolean) => {
    const points = wanted.filter((point) => keypoints[point] && isPlaced(keypoints[point]));
    const [only] = points;
    if (!adding) setChosen(points);
    else if (points.length === 1 && only !== undefined && chosen.includes(only)) {
      setChosen(chosen.filter((point) => point !== only));
    } else setChosen([...new Set([...chosen, ...points])]);
    if (points.length > 0 && !points.includes(selected)) setSelected(points[0] as number);
  };
  /** A point taken hold of by the pointer: alone, unless it is one of those that move together. */
  const take = (point: number, adding: boolean) => {
    setSelected(point);
    if (adding) choose([point], true);
    else if (!together(point)) setChosen([point]);
  };
  const choosePart = (to: Part) => {
    setPart(to);
    setSelected(POINTS_OF[to][0] ?? 0);
    setChosen([]);
  };
  const choosePerson = (personIndex: number) => {
    setChosen([]);
    change({ personIndex });
  };
  return {
    ...{ part, selected, chosen, wholeLimb, history, keypoints },
    ...{ setSelected, setWholeLimb, choosePart, choosePerson, choose, take },
    ...{ move, setAngle, dragHandle, turn, resize, toggle, replaceWhole },
  };
}
