import { useId } from "react";

type Props = {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  onChange: (value: number) => void;
  /** What the value means, in words; read aloud instead of the bare number. */
  valueText: string;
  /** Names under the left end, the middle and the right end. */
  stops?: string[];
};

export function Slider({ label, value, min, max, step, onChange, valueText, stops }: Props) {
  const id = useId();
  return (
    <div className="field slider">
      <div className="row spread">
        <label htmlFor={id}>{label}</label>
        <output htmlFor={id} className="hint">
          {valueText}
        </output>
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={valueText}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      {stops && (
        <div className="row spread hint" aria-hidden="true">
          {stops.map((stop) => (
            <span key={stop}>{stop}</span>
          ))}
        </div>
      )}
    </div>
  );
}
