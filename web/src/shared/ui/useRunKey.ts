import { useEffect, useRef } from "react";

/** Ctrl/⌘+Enter anywhere on the page runs it, except over a dialog or while Hangul is being composed. */
export function useRunKey(run: () => void): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const asked = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing && !event.repeat;
      if (!asked || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
