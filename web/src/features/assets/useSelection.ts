import { useCallback, useRef, useState } from "react";

/** Which assets are chosen. With Shift, everything from the last one chosen to this one. */
export function useSelection(ids: string[]) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | null>(null);
  const latestIds = useRef(ids);
  latestIds.current = ids;

  const toggle = useCallback((id: string, range: boolean) => {
    const all = latestIds.current;
    const from = range && last.current !== null ? all.indexOf(last.current) : -1;
    const to = all.indexOf(id);
    last.current = id;
    setChosen((before) => {
      const after = new Set(before);
      if (from >= 0) for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) after.add(other);
      else if (!after.delete(id)) after.add(id);
      return after;
    });
  }, []);
  const clear = useCallback(() => setChosen(new Set()), []);
  return { chosen, toggle, clear };
}
