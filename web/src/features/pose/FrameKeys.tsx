import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { View } from "./drawPerson";
import { type Box, frameOf } from "./selection";

const TURN_DEGREES = 1;
const FIRM_TURN_DEGREES = 15;
const RESIZE_PERCENT = 1;
const FIRM_RESIZE_PERCENT = 10;

type Props = {
  box: Box;
  view: View;
  onTurn: (degrees: number) => void;
  onResize: (percent: number) => void;
  onMoved: () => void;
};

/**
 * Two of the handles around several chosen points, for the keyboard and for screen readers: arrows to the right and up
 * turn clockwise and enlarge, by a degree or a hundredth; with Shift by more.
 */
export function FrameKeys({ box, view, onTurn, onResize, onMoved }: Props) {
  const { t } = useTranslation();
  const { handles } = frameOf(box, view);
  const hears = (act: (by: number) => void, step: number, firmStep: number) => (event: KeyboardEvent) => {
    const more = event.key === "ArrowRight" || event.key === "ArrowUp";
    if (!more && event.key !== "ArrowLeft" && event.key !== "ArrowDown") return;
    event.preventDefault();
    act((more ? 1 : -1) * (event.shiftKey ? firmStep : step));
  };
  const keys = {
    turn: { at: handles.turn, press: hears(onTurn, TURN_DEGREES, FIRM_TURN_DEGREES) },
    resize: { at: handles.bottomRight, press: hears(onResize, RESIZE_PERCENT, FIRM_RESIZE_PERCENT) },
  };
  return (["turn", "resize"] as const).map((handle) => (
    <button
      key={handle}
      type="button"
      className="point-key"
      style={{ left: keys[handle].at[0], top: keys[handle].at[1] }}
      aria-label={t(`pose.handles.${handle}`)}
      onKeyDown={keys[handle].press}
      onBlur={onMoved}
    />
  ));
}
