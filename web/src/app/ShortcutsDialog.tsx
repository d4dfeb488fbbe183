import { useId } from "react";
import { useTranslation } from "react-i18next";
import { chooseSingleKeys, useSingleKeys } from "@/shared/shortcuts";
import { Dialog } from "@/shared/ui/Dialog";

/** Every key, by where it works; null where words tell it. */
const KEYS = {
  everywhere: { run: "Ctrl ↵", overview: "?", close: "Esc" },
  results: { compare: "C" },
  assets: { move: "← ↑ → ↓", star: ".", trash: "Delete", range: null, compareTwo: "C" },
  pose: {
    nextPoint: "Tab",
    movePoint: "← ↑ → ↓",
    choosePoint: "Space",
    chooseAll: "Ctrl A",
    chooseNone: "Esc",
    hidePoint: "H",
    undo: "Ctrl Z",
    redo: "Ctrl Shift Z",
    fitAll: "Ctrl 0",
    zoomView: null,
    panView: null,
  },
} as const;

type Group = keyof typeof KEYS;
const GROUPS = Object.keys(KEYS) as Group[];

/** What keys do here, and whether those without Ctrl do it. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const single = useSingleKeys();
  return (
    <Dialog title={t("keys.title")} wide onClose={onClose}>
      <div className="shortcuts">
        {GROUPS.map((group) => (
          <section key={group} aria-labelledby={`${id}-${group}`}>
            <h3 id={`${id}-${group}`}>{t(`keys.groups.${group}`)}</h3>
            <dl className="facts">
              {Object.entries(KEYS[group]).map(([what, key]) => (
                <Shortcut
                  key={what}
                  keys={key ?? t(`keys.by.${what}` as "keys.by.range")}
                  text={t(`keys.does.${what}` as "keys.does.run")}
                />
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="check">
        <input type="checkbox" checked={single} onChange={(event) => chooseSingleKeys(event.target.checked)} />
        <span>
          {t("keys.single")}
          <small className="hint block">{t("keys.singleHint")}</small>
        </span>
      </label>
    </Dialog>
  );
}

function Shortcut({ keys, text }: { keys: string; text: string }) {
  return (
    <>
      <dt>
        <kbd className="key">{keys}</kbd>
      </dt>
      <dd>{text}</dd>
    </>
  );
}
