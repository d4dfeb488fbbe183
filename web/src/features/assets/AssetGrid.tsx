import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { Slider } from "@/shared/ui/Slider";
import { NARROWEST, useCardWidth, WIDEST } from "./useCardWidth";

const GAP = 16;
const WIDTH_STEP = 10;
/** Below a card's picture: its name, a line, and its buttons. */
const WORDS_HEIGHT = 122;
const PICTURE_RATIO = 3 / 4;
const OVERSCAN_ROWS = 2;
/** So many rows before the end the next page is asked for. */
const AHEAD_ROWS = 4;

type Props = {
  assets: Asset[];
  label: string;
  /** How many there are, as far as is known; -1 while there are more than were read. */
  total: number;
  onEnd: () => void;
  card: (asset: Asset) => ReactNode;
};

/** Cards in rows, of which only those near the screen exist. Arrow keys go from card to card. */
export function AssetGrid({ assets, label, total, onEnd, card }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const { t } = useTranslation();
  const [cardAtLeast, chooseWidth] = useCardWidth();
  const [place, setPlace] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const measure = () => {
      const element = list.current;
      if (!element) return;
      const width = element.clientWidth;
      const top = element.getBoundingClientRect().top + window.scrollY;
      setPlace((before) => (before.width === width && before.top === top ? before : { width, top }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);

  const columns = Math.max(1, Math.floor((place.width + GAP) / (Math.min(cardAtLeast, place.width) + GAP)));
  const cardWidth = (place.width - GAP * (columns - 1)) / columns;
  const rowHeight = Math.round(Math.max(0, cardWidth) * PICTURE_RATIO) + WORDS_HEIGHT + GAP;
  const rows = Math.ceil(assets.length / columns);
  const virtual = useWindowVirtualizer({
    count: rows,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN_ROWS,
    scrollMargin: place.top,
  });
  // Rows of another height are measured anew.
  useEffect(() => virtual.measure(), [rowHeight, virtual]);

  const shown = virtual.getVirtualItems();
  const lastRow = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastRow >= rows - AHEAD_ROWS) onEnd();
  }, [lastRow, rows, onEnd]);

  const keys = (event: KeyboardEvent<HTMLUListElement>) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const step = steps[event.key];
    const from = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    if (step === undefined || !from) return;
    const to = list.current?.querySelector<HTMLElement>(
      `[data-index="${Number(from.dataset.index) + step}"] .asset-open`,
    );
    if (!to) return;
    event.preventDefault();
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  };

  return (
    <>
      <div className="card-width">
        <Slider
          label={t("assets.size")}
          min={NARROWEST}
          max={WIDEST}
          step={WIDTH_STEP}
          value={cardAtLeast}
          valueText={t("assets.inARow", { count: columns })}
          onChange={chooseWidth}
        />
      </div>
      <ul
        ref={list}
        className="asset-grid plain"
        aria-label={label}
        style={{ height: Math.max(0, virtual.getTotalSize() - GAP) }}
        onKeyDown={keys}
      >
        {shown.flatMap((row) =>
          assets.slice(row.index * columns, (row.index + 1) * columns).map((asset, column) => {
            const index = row.index * columns + column;
            const x = column * (cardWidth + GAP);
            return (
              <li
                key={asset.id}
                data-index={index}
                aria-setsize={total}
                aria-posinset={index + 1}
                style={{
                  width: cardWidth,
                  height: rowHeight - GAP,
                  transform: `translate(${x}px, ${row.start - place.top}px)`,
                }}
              >
                {card(asset)}
              </li>
            );
          }),
        )}
      </ul>
    </>
  );
}
