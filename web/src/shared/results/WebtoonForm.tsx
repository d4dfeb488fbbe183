import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { saveFrom } from "@/shared/download";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";

const WIDTHS = [690, 720, 800, 940] as const;
const SCALES = [1, 2, 3] as const;
const DEFAULT_SLICE = "1280";
const MIN_SLICE = 200;
const MAX_SLICE = 20_000;

/** The width of a platform, how fine, and whether to cut into slices; `of` is the gateway's address of the picture. */
export function WebtoonForm({ of }: { of: string }) {
  const { t } = useTranslation();
  const id = useId();
  const [width, setWidth] = useState<number>(WIDTHS[0]);
  const [scale, setScale] = useState<number>(1);
  const [sliced, setSliced] = useState(false);
  const [height, setHeight] = useState(DEFAULT_SLICE);
  const save = () => {
    const query = new URLSearchParams({ width: String(width), scale: String(scale) });
    if (sliced) query.set("slice_height", height);
    saveFrom(`${of}/webtoon?${query}`);
  };
  return (
    <Form className="stack tight" onSubmit={save}>
      <div className="row">
        <label htmlFor={`${id}-width`}>{t("webtoon.width")}</label>
        <select id={`${id}-width`} value={width} onChange={(event) => setWidth(Number(event.target.value))}>
          {WIDTHS.map((value) => (
            <option key={value} value={value}>
              {value} px
            </option>
          ))}
        </select>
        <fieldset className="segments">
          <legend className="sr-only">{t("webtoon.scale")}</legend>
          {SCALES.map((value) => (
            <button key={value} type="button" aria-pressed={value === scale} onClick={() => setScale(value)}>
              {t("webtoon.times", { scale: value })}
            </button>
          ))}
        </fieldset>
      </div>
      <label className="check">
        <input type="checkbox" checked={sliced} onChange={(event) => setSliced(event.target.checked)} />
        <span>
          {t("webtoon.slice")}
          <small className="hint block">{t("webtoon.sliceHint")}</small>
        </span>
      </label>
      {sliced && (
        <Field
          label={t("webtoon.sliceHeight")}
          type="number"
          required
          min={MIN_SLICE}
          max={MAX_SLICE}
          value={height}
          onChange={(event) => setHeight(event.target.value)}
        />
      )}
      <button type="submit" className="button">
        {t("webtoon.download", { width: width * scale })}
      </button>
    </Form>
  );
}
