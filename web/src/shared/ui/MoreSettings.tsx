import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "./Field";

type Props = {
  open: boolean;
  count: number;
  maxCount: number;
  seed: string;
  avoid?: string;
  onOpen: (open: boolean) => void;
  onCount: (count: number) => void;
  onSeed: (seed: string) => void;
  onAvoid?: (words: string) => void;
  /** What else this screen lets an artist decide. */
  children?: ReactNode;
};

/** How many pictures; and, closed until asked for, the number that decides chance and the words to avoid. */
export function MoreSettings(props: Props) {
  const { open, count, maxCount, seed, avoid, onOpen, onCount, onSeed, onAvoid, children } = props;
  const { t } = useTranslation();
  const counts = [1, 2, 3, 4, 6, 8].filter((number) => number <= maxCount);
  return (
    <>
      <fieldset className="segments labelled">
        <legend>{t("common.count")}</legend>
        {counts.map((number) => (
          <button key={number} type="button" aria-pressed={number === count} onClick={() => onCount(number)}>
            {number}
          </button>
        ))}
      </fieldset>
      <details open={open} onToggle={(event) => onOpen(event.currentTarget.open)}>
        <summary>{t("common.more")}</summary>
        <div className="stack">
          <Field
            label={t("common.seed")}
            hint={t("common.seedHint")}
            inputMode="numeric"
            pattern="[0-9]{0,9}"
            value={seed}
            onChange={(event) => onSeed(event.target.value)}
          />
          {onAvoid && (
            <Field
              label={t("common.avoid")}
              hint={t("common.avoidHint")}
              value={avoid ?? ""}
              onChange={(event) => onAvoid(event.target.value)}
            />
          )}
          {children}
        </div>
      </details>
    </>
  );
}
