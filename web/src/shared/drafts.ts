import { useCallback, useEffect, useState } from "react";

const PREFIX = "oma:draft";

function read<T extends object>(key: string, initial: T): T {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    // Fields that an older version of the page did not know keep their initial value.
    return stored && typeof stored === "object" ? { ...initial, ...stored } : initial;
  } catch {
    return initial;
  }
}

/** State that survives a reload: what was typed and chosen on one screen of one project. */
export function useDraft<T extends object>(projectId: string, screen: string, initial: T) {
  const key = `${PREFIX}:${projectId}:${screen}`;
  const [draft, setDraft] = useState<T>(() => read(key, initial));

  useEffect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // A full or forbidden storage costs the draft, never the page.
    }
  }, [key, draft]);

  const change = useCallback((part: Partial<T>) => setDraft((before) => ({ ...before, ...part })), []);
  return [draft, change] as const;
}

/** Forgets what was typed in a project that no longer exists. */
export function forgetDrafts(projectId: string): void {
  const ofProject = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}:${projectId}:`));
  for (const key of ofProject) localStorage.removeItem(key);
}
