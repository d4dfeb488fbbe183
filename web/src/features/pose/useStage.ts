import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { readColours } from "./drawPerson";

/** The picture at an address, once it is there. */
export function useImage(url: string | null): HTMLImageElement | null {
  const [image, setImage] = useState<HTMLImageElement | null>(null);
  useEffect(() => {
    setImage(null);
    if (!url) return;
    const loading = new Image();
    const loaded = () => setImage(loading);
    loading.addEventListener("load", loaded);
    loading.src = url;
    return () => loading.removeEventListener("load", loaded);
  }, [url]);
  return image;
}

/** The theme's colours, read again when the theme changes. */
export function useColours() {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const again = () => setTheme((count) => count + 1);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    const chosen = new MutationObserver(again);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", again);
      chosen.disconnect();
    };
  }, []);
  // The theme decides what is read.
  return useMemo(readColours, [theme]);
}

/** Whether the space bar is held down while the pointer is over an element: then a drag moves the view. */
export function useSpaceHeld(frame: RefObject<HTMLElement | null>): RefObject<boolean> {
  const held = useRef(false);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.code !== "Space") return;
      const { current } = frame;
      const ours = event.target === document.body || current?.contains(event.target as Node) === true;
      held.current = event.type === "keydown" && ours && current?.matches(":hover") === true;
      if (held.current && event.target === document.body) event.preventDefault(); // or the page would scroll
    };
    window.addEventListener("keydown", key);
    window.addEventListener("keyup", key);
    return () => {
      window.removeEventListener("keydown", key);
      window.removeEventListener("keyup", key);
    };
  }, [frame]);
  return held;
}
