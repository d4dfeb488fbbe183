import { useSearchParams } from "react-router";
import { ORDERS, type Wanted } from "./useAssets";

/** What is looked for, kept in the address: it survives a reload, and the way back. */
export function useWanted(): readonly [Wanted, (part: Partial<Wanted>) => void] {
  const [query, setQuery] = useSearchParams();
  const kind = query.get("kind");
  const wanted: Wanted = {
    search: query.get("search") ?? "",
    kind: kind === "background" || kind === "character" ? kind : null,
    starred: query.has("starred"),
    folder: query.get("folder"),
    order: ORDERS.find((order) => order === query.get("order")) ?? "newest",
    trash: query.has("trash"),
  };
  const change = (part: Partial<Wanted>) => {
    const next = { ...wanted, ...part };
    const told = new URLSearchParams();
    if (next.search) told.set("search", next.search);
    if (next.kind) told.set("kind", next.kind);
    if (next.starred) told.set("starred", "1");
    if (next.folder !== null) told.set("folder", next.folder);
    if (next.order !== "newest") told.set("order", next.order);
    if (next.trash) told.set("trash", "1");
    setQuery(told, { replace: true });
  };
  return [wanted, change];
}
