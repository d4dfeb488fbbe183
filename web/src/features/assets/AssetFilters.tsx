import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "@/shared/ui/Field";
import type { Wanted } from "./useAssets";

const KINDS = [null, "background", "character"] as const;
const SETTLE_MS = 300;

type Props = { wanted: Wanted; onChange: (part: Partial<Wanted>) => void };

/** All, one kind, only starred ones, by words; or the trash. */
export function AssetFilters({ wanted, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <div className="row asset-filters">
      <fieldset className="segments">
        <legend className="sr-only">{t("assets.which")}</legend>
        {KINDS.map((kind) => (
          <button
            key={kind ?? "all"}
            type="button"
            aria-pressed={!wanted.trash && wanted.kind === kind}
            onClick={() => onChange({ kind, trash: false })}
          >
            {kind === null ? t("assets.all") : t(`assets.kinds.${kind}`)}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={wanted.trash}
          onClick={() => onChange({ trash: true, search: "", kind: null, starred: false })}
        >
          {t("assets.trash")}
        </button>
      </fieldset>
      {!wanted.trash && (
        <>
          <button
            type="button"
            className="chip"
            aria-pressed={wanted.starred}
            onClick={() => onChange({ starred: !wanted.starred })}
          >
            {t("assets.starred")}
          </button>
          <Search text={wanted.search} onSearch={(search) => onChange({ search })} />
        </>
      )}
    </div>
  );
}

/** Asks once the typing pauses, and never for half a syllable. */
function Search({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(text);
  const composing = useRef(false);
  const latest = useRef(onSearch);
  latest.current = onSearch;
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => !composing.current && latest.current(typed.trim()), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed, text]);
  return (
    <Field
      label={t("assets.search")}
      type="search"
      maxLength={100}
      value={typed}
      onCompositionStart={() => {
        composing.current = true;
      }}
      onCompositionEnd={(event) => {
        composing.current = false;
        latest.current(event.currentTarget.value.trim());
      }}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
