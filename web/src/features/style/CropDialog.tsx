import { useMutation } from "@tanstack/react-query";
import { type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Picture } from "@/shared/api/models";
import { Dialog } from "@/shared/ui/Dialog";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PictureView } from "@/shared/ui/Picture";
import { type Area, between, cut, isLargeEnough, LEAST_SIDE, typed, whole } from "./crop";

const NUMBERS = ["x", "y", "width", "height"] as const;
const ENDING = /\.[^.]*$/;

type Props = { picture: Picture; onCut: (part: File) => void; onClose: () => void };

/** Chooses a part of a picture, by a drag over it or by numbers, and gives it as a picture of its own. */
export function CropDialog({ picture, onCut, onClose }: Props) {
  const { t } = useTranslation();
  const [area, setArea] = useState<Area>(whole(picture));
  const began = useRef<{ x: number; y: number } | null>(null);
  const name = `${picture.filename.replace(ENDING, "")}-${t("style.cropped")}.png`;
  const crop = useMutation({
    mutationFn: () => cut(picture.url, area, name),
    onSuccess: (part) => {
      onCut(part);
      onClose();
    },
  });
  const all = area.width === picture.width && area.height === picture.height;
  const fits = isLargeEnough(area);

  const at = (event: PointerEvent<HTMLDivElement>) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const scale = picture.width / frame.width;
    return { x: (event.clientX - frame.left) * scale, y: (event.clientY - frame.top) * scale };
  };
  const down = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    began.current = at(event);
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (began.current) setArea(between(began.current, at(event), picture));
  };
  const up = () => {
    began.current = null;
    if (area.width < 1 || area.height < 1) setArea(whole(picture)); // it was a click
  };
  const share = (part: number, side: number) => `${(100 * part) / side}%`;
  return (
    <Dialog title={t("style.cropTitle", { name: picture.filename })} wide onClose={onClose}>
      <p className="hint">{t("style.cropText")}</p>
      <div
        className="crop"
        style={{
          aspectRatio: `${picture.width} / ${picture.height}`,
          maxWidth: `calc(48vh * ${picture.width / picture.height})`,
        }}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
      >
        <PictureView id={picture.id} src={picture.url} alt={picture.filename} />
        <div
          className="crop-area"
          style={{
            left: share(area.x, picture.width),
            top: share(area.y, picture.height),
            width: share(area.width, picture.width),
            height: share(area.height, picture.height),
          }}
        />
      </div>
      <Form onSubmit={() => crop.mutate()}>
        <div className="row crop-numbers">
          {NUMBERS.map((side) => (
            <SideField
              key={side}
              label={t(`style.cropSides.${side}`)}
              most={side === "x" || side === "width" ? picture.width : picture.height}
              value={area[side]}
              onChange={(value) => setArea(typed(area, { [side]: value }, picture))}
            />
          ))}
        </div>
        <p className="hint" role="status">
          {fits ? t("style.cropSize", area) : t("style.cropSmall", { side: LEAST_SIDE })}
        </p>
        {crop.error ? (
          <p className="note note-error" role="alert">
            {t("style.cropFailed")}
          </p>
        ) : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={all || !fits || crop.isPending}>
            {t("style.cropNow")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

type SideProps = { label: string; most: number; value: number; onChange: (value: number) => void };

/** A number that may be empty while it is typed; left, it shows what was taken. */
function SideField({ label, most, value, onChange }: SideProps) {
  const [text, setText] = useState<string | null>(null);
  return (
    <Field
      type="number"
      label={label}
      min={0}
      max={most}
      value={text ?? value}
      onBlur={() => setText(null)}
      onChange={(event) => {
        setText(event.target.value);
        if (Number.isFinite(event.target.valueAsNumber)) onChange(event.target.valueAsNumber);
      }}
    />
  );
}
