export const MAX_TAGS = 10;
export const MAX_TAG = 20;

/** The tags in a line that was typed, with commas between them; a # before one is not part of it. */
export function tagsOf(line: string): string[] {
  const found = line.split(/[,、，\n]/).map((part) => part.trim().replace(/^#+/, "").trim());
  return withTags(
    [],
    found.filter((tag) => tag !== ""),
  );
}

/** Those and more, each once, whatever its case. */
export function withTags(tags: readonly string[], more: readonly string[]): string[] {
  const known = new Map<string, string>();
  for (const tag of [...tags, ...more]) {
    const folded = tag.normalize("NFC").toLocaleLowerCase();
    if (!known.has(folded)) known.set(folded, tag);
  }
  return [...known.values()];
}

/** Whether the gateway would take them. */
export const areTakeable = (tags: readonly string[]) =>
  tags.length <= MAX_TAGS && tags.every((tag) => [...tag].length <= MAX_TAG);
