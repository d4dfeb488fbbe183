type Props = { label: string; done: number; total: number; valueText: string };

/** A progress bar; without a total it says only that work goes on. */
export function Progress({ label, done, total, valueText }: Props) {
  const known = total > 0;
  const percent = known ? Math.min(100, Math.round((100 * done) / total)) : 0;
  return (
    <div
      className={known ? "progress" : "progress waiting"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? percent : undefined}
      aria-valuetext={valueText}
    >
      <div style={{ width: known ? `${percent}%` : undefined }} />
    </div>
  );
}
