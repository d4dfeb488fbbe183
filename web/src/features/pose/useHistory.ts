import { useCallback, useRef, useState } from "react";

const MAX_STEPS = 500;

/**
 * Undo and redo around a value that lives elsewhere. `begin` marks the value before a change; changes with the same
 * tag (one drag, one run of arrow keys) are undone together.
 */
export function useHistory<T>(present: T, restore: (value: T) => void) {
  const [past, setPast] = useState<T[]>([]);
  const [future, setFuture] = useState<T[]>([]);
  const lastTag = useRef<string | null>(null);

  const begin = useCallback(
    (tag: string) => {
      if (tag === lastTag.current) return;
      lastTag.current = tag;
      setPast((steps) => [...steps, present].slice(-MAX_STEPS));
      setFuture([]);
    },
    [present],
  );
  const undo = () => {
    const before = past.at(-1);
    if (before === undefined) return;
    lastTag.current = null;
    setPast(past.slice(0, -1));
    setFuture([present, ...future]);
    restore(before);
  };
  const redo = () => {
    const [next, ...rest] = future;
    if (next === undefined) return;
    lastTag.current = null;
    setPast([...past, present]);
    setFuture(rest);
    restore(next);
  };
  const endRun = useCallback(() => {
    lastTag.current = null;
  }, []);
  return { begin, endRun, undo, redo, canUndo: past.length > 0, canRedo: future.length > 0 };
}
