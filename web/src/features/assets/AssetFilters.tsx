import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { withParents } from "@/shared/filing/folders";
import { useFolders } from "@/shared/filing/useFolders";
import { Field } from "@/shared/ui/Field";
import { ORDERS, type Order, type Wanted } from "./useAssets";

const KINDS = [null, "background", "character"] as const;
const SETTLE_MS = 300;

const ALL_FOLDERS = "all";
const IN_FOLDER = "in:";

type Props = { projectId: string; wanted: Wanted; onChange: (part: Partial<Wanted>) => void };

/** All, one kind, one folder, only starred ones, by words, in an order; or the trash. */
export function AssetFilters({ projectId, wanted, onChange }: Props) {
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
          onClick={() => onChange({ trash: true, search: "", kind: null, starred: false, folder: null })}
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
          <FolderChoice projectId={projectId} folder={wanted.folder} onChange={(folder) => onChange({ folder })} />
          <OrderChoice order={wanted.order} onChange={(order) => onChange({ order })} />
          <Search text={wanted.search} onSearch={(search) => onChange({ search })} />
        </>
      )}
    </div>
  );
}

type FolderProps = { projectId: string; folder: string | null; onChange: (folder: string | null) => void };

/** One folder with what is below it, or what lies in none; only where there are folders. */
function FolderChoice({ projectId, folder, onChange }: FolderProps) {
  const { t } = useTranslation();
  const id = useId();
  const folders = withParents(useFolders(projectId).data ?? []);
  const missing = folder && !folders.some((one) => one.folder === folder) ? [{ folder, assets: 0 }] : [];
  if (folders.length === 0 && folder === null) return null;
  return (
    <div className="field choice-of-one">
      <label htmlFor={id}>{t("assets.folder")}</label>
      <select
        id={id}
        value={folder === null ? ALL_FOLDERS : IN_FOLDER + folder}
        onChange={(event) => {
          const { value } = event.target;
          onChange(value === ALL_FOLDERS ? null : value.slice(IN_FOLDER.length));
        }}
      >
        <option value={ALL_FOLDERS}>{t("assets.allFolders")}</option>
        {[...folders, ...missing].map((one) => (
          <option key={one.folder} value={IN_FOLDER + one.folder}>
            {t("assets.folderWithCount", { folder: one.folder, count: one.assets })}
          </option>
        ))}
        <option value={IN_FOLDER}>{t("assets.noFolder")}</option>
      </select>
    </div>
  );
}

function OrderChoice({ order, onChange }: { order: Order; onChange: (order: Order) => void }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="field choice-of-one">
      <label htmlFor={id}>{t("assets.order")}</label>
      <select
        id={id}
        value={order}
        onChange={(event) => onChange(ORDERS.find((one) => one === event.target.value) ?? "newest")}
      >
        {ORDERS.map((one) => (
          <option key={one} value={one}>
            {t(`assets.orders.${one}`)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Asks once the typing pauses, and never for half a syllable. Shows, too, what was asked for elsewhere. */
function Search({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(text);
  const composing = useRef(false);
  const asked = useRef(text);
  const ask = useRef((_: string) => {});
  ask.current = (words) => {
    asked.current = words;
    onSearch(words);
  };
  useEffect(() => {
    if (text === asked.current) return; // what was typed since then stays
    asked.current = text;
    setTyped(text);
  }, [text]);
  useEffect(() => {
    if (typed.trim() === asked.current) return;
    const timer = setTimeout(() => !composing.current && ask.current(typed.trim()), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
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
        ask.current(event.currentTarget.value.trim());
      }}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
