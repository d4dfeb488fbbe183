export type Folder = { folder: string; assets: number };

/** The folders and those that hold them, each with what lies in it and below; what lies in none is left out. */
export function withParents(folders: readonly Folder[]): Folder[] {
  const held = new Map<string, number>();
  for (const { folder, assets } of folders) {
    const parts = folder === "" ? [] : folder.split("/");
    for (const depth of parts.keys()) {
      const path = parts.slice(0, depth + 1).join("/");
      held.set(path, (held.get(path) ?? 0) + assets);
    }
  }
  return [...held].map(([folder, assets]) => ({ folder, assets }));
}
