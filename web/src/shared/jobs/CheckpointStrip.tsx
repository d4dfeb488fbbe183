import { useTranslation } from "react-i18next";
import type { Job, Picture } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";

type Props = {
  /** What the pictures belong to; the same picture keeps its link while it is told of again. */
  of: string;
  samples: Job["checkpoint_samples"];
  /** The artist's own picture, which was drawn over; it stands first. */
  own: Picture | undefined;
};

/** How the style grew: the artist's first picture, and the same drawn over with what was learned at each checkpoint. */
export function CheckpointStrip({ of, samples, own }: Props) {
  const { t } = useTranslation();
  if (samples.length === 0) return null;
  return (
    <ul className="strip plain" aria-label={t("style.onTheWay")}>
      {own && (
        <li>
          <figure className="result">
            <PictureView id={own.id} src={own.url} alt={own.filename} />
            <figcaption className="hint">{t("style.own")}</figcaption>
          </figure>
        </li>
      )}
      {samples.map(({ method, step, url }) => (
        <li key={`${method}:${step}`}>
          <figure className="result">
            <PictureView id={`${of}:${method}:${step}`} src={url} alt={t("style.stepAlt", { step })} />
            <figcaption className="hint">{t("style.step", { way: t(`style.methods.${method}`), step })}</figcaption>
          </figure>
        </li>
      ))}
    </ul>
  );
}

/** The first of the pictures that a training was asked to learn from, while it is still in the project. */
export function firstPicture(job: Job | undefined, pictures: Picture[] | undefined): Picture | undefined {
  const [first] = Array.isArray(job?.request.picture_ids) ? job.request.picture_ids : [];
  return pictures?.find((picture) => picture.id === first);
}
