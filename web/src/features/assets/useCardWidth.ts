import { useState } from "react";

const STORED = "oma:card-width";
export const NARROWEST = 190;
export const WIDEST = 380;
const USUAL = 200;

/** How wide a card of the grid is at least, in pixels; kept in this browser. */
export function useCardWidth() {
  const [width, setWidth] = useState(() => {
    const stored = Number(localStorage.getItem(STORED));
    return stored >= NARROWEST && stored <= WIDEST ? stored : USUAL;
  });
  const choose = (wanted: number) => {
    localStorage.setItem(STORED, String(wanted));
    setWidth(wanted);
  };
  return [width, choose] as const;
}
