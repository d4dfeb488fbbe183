import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { JointHandle } from "./JointHandle";
import { SkeletonLines } from "./SkeletonLines";
import { BODY_JOINTS, clamp, type Person } from "./skeleton";

/** The canvas is shown about this many CSS pixels long on its longer side; handles are sized by it. */
const SHOWN_PX = 520;
/** Room around the picture, so that a joint at its edge can be taken hold of. */
const MARGIN_PX = 14;

type Point = { x: number; y: number };
type Props = {
  size: { width: number; height: number };
  people: Person[];
  personIndex: number;
  selected: number;
  underlay: { url: string; opacity: number } | null;
  onSelect: (joint: number) => void;
  onMove: (joint: number, to: Point, tag: string) => void;
  onMoved: () => void;
  onToggle: (joint: number) => void;
};

/** The picture, everybody's skeleton, and handles for the joints of the person being edited. */
export function SkeletonCanvas({ size, people, personIndex, underlay, ...handlers }: Props) {
  const { t } = useTranslation();
  const svg = useRef<SVGSVGElement>(null);
  const pixel = Math.max(size.width, size.height) / SHOWN_PX;
  const margin = MARGIN_PX * pixel;
  const person = people[personIndex];
  const { onMove } = handlers;

  const toPicture = (clientX: number, clientY: number): Point | null => {
    const matrix = svg.current?.getScreenCTM();
    if (!matrix) return null;
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    return { x, y };
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset
    <svg
      ref={svg}
      className="skeleton-canvas"
      viewBox={`${-margin} ${-margin} ${size.width + 2 * margin} ${size.height + 2 * margin}`}
      role="group"
      aria-label={t("pose.canvas")}
    >
      <rect width={size.width} height={size.height} className="canvas-ground" />
      {underlay && <image href={underlay.url} width={size.width} height={size.height} opacity={underlay.opacity} />}
      {people.map((other, index) =>
        index === personIndex ? null : <SkeletonLines key={index} person={other} pixel={pixel} faint />,
      )}
      {person && <SkeletonLines person={person} pixel={pixel} />}
      {person &&
        BODY_JOINTS.map((name, joint) => {
          const point = person.keypoints[joint];
          return point ? (
            <JointHandle
              key={name}
              name={name}
              joint={joint}
              point={point}
              shown={{ x: clamp(point[0], size.width), y: clamp(point[1], size.height) }}
              pixel={pixel}
              selected={joint === handlers.selected}
              toPicture={toPicture}
              onSelect={() => handlers.onSelect(joint)}
              onMove={(to, tag) => onMove(joint, to, tag)}
              onMoved={handlers.onMoved}
              onToggle={() => handlers.onToggle(joint)}
            />
          ) : null;
        })}
    </svg>
  );
}
