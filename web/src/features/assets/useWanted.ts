import { useSearchParams } from "react-router";
import type { Wanted } from "./useAssets";

/** What is looked for, kept in the address: it survives a reload, and the way back. */
export function useWanted(): readonly [Wanted, (part: Partial<Wanted>) => void] {
  const [query, setQuery] = useSearchParams();
  const kind = query.get("kind");
  const wanted: Wanted = {
    search: query.get("search") ?? "",
    kind: kind === "background" || kind === "character" ? kind : null,
    starred: query.has("starred"),
    trash: query.has("trash"),
  };
  const change = (part: Partial<Wanted>) => {
    const next = { ...wanted, ...part };
    const fields = { search: next.search, kind: next.kind, starred: next.starred && "1", trash: next.trash && "1" };
    const told = Object.entries(fields).filter((entry): entry is [string, string] => Boolean(entry[1]));
    setQuery(new URLSearchParams(told), { replace: true });
  };
  return [wanted, change];
}
