import { useEffect, useRef, useSyncExternalStore } from "react";

const STORED = "oma:single-keys";
const listeners = new Set<() => void>();

/** Whether keys without Ctrl do something. Who speaks to the computer, or brushes keys, can turn them off. */
export function hasSingleKeys(): boolean {
  return localStorage.getItem(STORED) !== "off";
}

export function chooseSingleKeys(on: boolean): void {
  if (on) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, "off");
  for (const tell of listeners) tell();
}

export function useSingleKeys(): boolean {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, hasSingleKeys);
}

type Key = Pick<KeyboardEvent, "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey" | "isComposing" | "repeat">;
type Wanted = { code: string; shift?: boolean };

/** Whether a key was pressed by itself, by its place on the keyboard: it is the same one while Hangul is typed. */
export function isPressed(event: Key, { code, shift = false }: Wanted): boolean {
  const alone = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing && !event.repeat;
  return alone && event.code === code && event.shiftKey === shift;
}

const TYPED = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])";

/** A key that does something wherever the focus is, but not while something is typed, nor under a dialog. */
export function useShortcut(wanted: Wanted, run: () => void, on = true): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const { code, shift } = wanted;
  useEffect(() => {
    if (!on) return;
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.matches(TYPED);
      if (event.defaultPrevented || typing || !hasSingleKeys() || document.querySelector("dialog[open]")) return;
      if (!isPressed(event, { code, shift })) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [code, shift, on]);
}
