import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "@/shared/ui/Form";

const STEP_DEGREES = 5;
const STEP_PERCENT = 5;
const MOST_DEGREES = 360;
const LEAST_PERCENT = 5;
const MOST_PERCENT = 400;
const WHOLE = 100;

type Props = {
  /** How many points are chosen. */
  chosen: number;
  onNone: () => void;
  onTurn: (degrees: number) => void;
  onResize: (percent: number) => void;
  /** What was done is one step to undo. */
  onDone: () => void;
};

/** Several chosen points are turned and resized by buttons and numbers; it stands below the board, which so keeps its place. */
export function SelectionTools({ chosen, onNone, onTurn, onResize, onDone }: Props) {
  const { t } = useTranslation();
  const turn = (degrees: number) => {
    onDone();
    onTurn(degrees);
    onDone();
  };
  const resize = (percent: number) => {
    onDone();
    onResize(percent);
    onDone();
  };
  return (
    <>
      <span className="sr-only" role="status">
        {chosen > 1 && t("pose.chosen", { count: chosen })}
      </span>
      {chosen > 1 && (
        <section className="selection-tools stack tight" aria-label={t("pose.chosenTools")}>
          <div className="row spread">
            <strong aria-hidden="true">{t("pose.chosen", { count: chosen })}</strong>
            <button type="button" className="button quiet small" aria-keyshortcuts="Escape" onClick={onNone}>
              {t("pose.chooseNone")}
            </button>
          </div>
          <div className="row">
            <button type="button" className="button small" onClick={() => turn(-STEP_DEGREES)}>
              ⟲ {t("pose.turnLeft")}
            </button>
            <button type="button" className="button small" onClick={() => turn(STEP_DEGREES)}>
              ⟳ {t("pose.turnRight")}
            </button>
            <button type="button" className="button small" onClick={() => resize(-STEP_PERCENT)}>
              − {t("pose.smaller")}
            </button>
            <button type="button" className="button small" onClick={() => resize(STEP_PERCENT)}>
              + {t("pose.larger")}
            </button>
          </div>
          <div className="row">
            <ByNumber
              label={t("pose.turnBy")}
              action={t("pose.turn")}
              start={90}
              range={[-MOST_DEGREES, MOST_DEGREES]}
              onDo={turn}
            />
            <ByNumber
              label={t("pose.resizeTo")}
              action={t("pose.resize")}
              start={WHOLE}
              range={[LEAST_PERCENT, MOST_PERCENT]}
              onDo={(percent) => resize(percent - WHOLE)}
            />
          </div>
        </section>
      )}
    </>
  );
}

type ByNumberProps = {
  label: string;
  action: string;
  start: number;
  range: [number, number];
  onDo: (value: number) => void;
};

/** A number, and the button that does so much at once. */
function ByNumber({ label, action, start, range: [min, max], onDo }: ByNumberProps) {
  const [value, setValue] = useState(String(start));
  return (
    <Form className="row by-number" onSubmit={() => onDo(Number(value))}>
      <label>
        {label}
        <input
          type="number"
          required
          min={min}
          max={max}
          step="any"
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
      </label>
      <button type="submit" className="button small">
        {action}
      </button>
    </Form>
  );
}
