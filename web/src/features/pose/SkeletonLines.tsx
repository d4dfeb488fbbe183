import { FACE, HAND_LINES, type Keypoint, LIMBS, type Person, sideOf, VISIBLE_SCORE } from "./skeleton";

type Props = { person: Person; pixel: number; faint?: boolean };

const LIMB_PX = 4;
const HAND_PX = 1.5;
const FACE_PX = 1.4;
const FIRST_FOOT_POINT = 17;

function sideOfLimb(from: number, to: number): string {
  if (to >= FIRST_FOOT_POINT) return sideOf(from);
  return from % 2 === to % 2 && from !== 0 ? sideOf(from) : "middle";
}

/** The lines of body and hands and the dots of the face, as far as they are seen. */
export function SkeletonLines({ person, pixel, faint = false }: Props) {
  const seen = (index: number): Keypoint | null => {
    const point = person.keypoints[index];
    return point && point[2] > VISIBLE_SCORE ? point : null;
  };
  const line = ([from, to]: [number, number], widthPx: number, className: string) => {
    const start = seen(from);
    const end = seen(to);
    if (!start || !end) return null;
    return (
      <line
        key={`${from}-${to}`}
        className={className}
        strokeWidth={widthPx * pixel}
        x1={start[0]}
        y1={start[1]}
        x2={end[0]}
        y2={end[1]}
      />
    );
  };
  const [nose, left, right] = [seen(0), seen(5), seen(6)];
  return (
    <g aria-hidden="true" className={faint ? "skeleton faint" : "skeleton"}>
      {LIMBS.map((limb) => line(limb, LIMB_PX, `limb ${sideOfLimb(limb[0], limb[1])}`))}
      {nose && left && right && (
        <line
          className="limb middle"
          strokeWidth={LIMB_PX * pixel}
          x1={nose[0]}
          y1={nose[1]}
          x2={(left[0] + right[0]) / 2}
          y2={(left[1] + right[1]) / 2}
        />
      )}
      {HAND_LINES.map((part) => line(part, HAND_PX, "finger"))}
      {FACE.map((index) => {
        const point = seen(index);
        return point ? (
          <circle key={index} className="face-dot" cx={point[0]} cy={point[1]} r={FACE_PX * pixel} />
        ) : null;
      })}
    </g>
  );
}
