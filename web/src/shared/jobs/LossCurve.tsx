import { useTranslation } from "react-i18next";
import type { Job } from "@/shared/api/models";

type Losses = Job["losses"];

const WIDTH = 300;
const HEIGHT = 80;
const PAD = 4;
const DIGITS = 3;

/** How far off each way of learning was, step by step. The curve is for the eye; its ends are told in words. */
export function LossCurve({ losses }: { losses: Losses }) {
  const { t } = useTranslation();
  const methods = [...new Set(losses.map((one) => one.method))];
  const curves = methods.map((method) => ({ method, points: losses.filter((one) => one.method === method) }));
  const shown = curves.filter(({ points }) => points.length > 1);
  if (shown.length === 0) return null;
  return (
    <div className="losses">
      {shown.map(({ method, points }) => {
        const words = t("jobs.lossWords", {
          way: t(`style.methods.${method}`),
          first: (points[0]?.loss ?? 0).toFixed(DIGITS),
          last: (points.at(-1)?.loss ?? 0).toFixed(DIGITS),
        });
        return (
          <figure key={method} className="loss">
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
              <polyline points={line(points)} />
            </svg>
            <figcaption className="hint">{words}</figcaption>
          </figure>
        );
      })}
    </div>
  );
}

/** The curve's corners, from the highest loss at the top to the lowest at the bottom. */
function line(points: Losses): string {
  const values = points.map((one) => one.loss);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const first = points[0]?.step ?? 0;
  const steps = Math.max(1, (points.at(-1)?.step ?? 0) - first);
  const place = ({ step, loss }: Losses[number]) => {
    const x = PAD + ((step - first) / steps) * (WIDTH - 2 * PAD);
    const y = PAD + (high > low ? (high - loss) / (high - low) : 0.5) * (HEIGHT - 2 * PAD);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return points.map(place).join(" ");
}
