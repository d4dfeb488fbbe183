import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Finding, Picture } from "@/shared/api/models";
import { Dropzone } from "@/shared/pictures/Dropzone";
import { RefusedFiles } from "@/shared/pictures/RefusedFiles";
import { useDeletePicture, usePictures, useUpload } from "@/shared/pictures/usePictures";
import { Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { CropDialog } from "./CropDialog";
import { PictureTile } from "./PictureTile";
import { ofPicture } from "./useCheck";

type Props = {
  projectId: string;
  chosenIds: string[];
  findings: Finding[] | undefined;
  onChange: (ids: string[]) => void;
};

/** The pictures to learn from. What is dropped here is chosen at once; the project's other pictures can be added. */
export function LearnPictures({ projectId, chosenIds, findings, onChange }: Props) {
  const { t } = useTranslation();
  const pictures = usePictures(projectId);
  const remove = useDeletePicture(projectId);
  // Pictures arrive one by one, long after the click that sent them.
  const latest = useRef(chosenIds);
  latest.current = chosenIds;
  const upload = useUpload(projectId, (picture) => {
    latest.current = [...latest.current, picture.id];
    onChange(latest.current);
  });
  const [cropping, setCropping] = useState<Picture | null>(null);
  // The part takes the place of the whole, which stays among the project's pictures.
  const cropped = useRef("");
  const putPart = useUpload(projectId, (part) => {
    latest.current = [...latest.current.filter((id) => id !== cropped.current), part.id];
    onChange(latest.current);
  });
  const toggle = (id: string, on: boolean) =>
    onChange(on ? [...chosenIds, id] : chosenIds.filter((other) => other !== id));
  return (
    <section className="card stack">
      <div className="row spread">
        <h2>{t("style.picturesStep")}</h2>
        <span className="hint" role="status">
          {t("style.chosen", { count: chosenIds.length })}
        </span>
      </div>
      <Dropzone label={t("style.drop")} multiple everywhere busy={upload.isPending} onFiles={upload.mutate}>
        <p className="hint">{t("style.dropHint")}</p>
      </Dropzone>
      <RefusedFiles refused={upload.data} />
      <RefusedFiles refused={putPart.data} />
      {pictures.isPending && <Skeletons count={4} label={t("common.loading")} />}
      {pictures.isError && <ErrorNote error={pictures.error} onRetry={() => void pictures.refetch()} />}
      {remove.error ? <ErrorNote error={remove.error} /> : null}
      {pictures.data && pictures.data.length > 0 && (
        <ul className="tiles plain">
          {pictures.data.map((picture) => (
            <PictureTile
              key={picture.id}
              picture={picture}
              chosen={chosenIds.includes(picture.id)}
              findings={ofPicture(findings, picture.id)}
              onToggle={(on) => toggle(picture.id, on)}
              onCrop={putPart.isPending ? undefined : () => setCropping(picture)}
              onDelete={() => {
                toggle(picture.id, false);
                remove.mutate(picture.id);
              }}
            />
          ))}
        </ul>
      )}
      {cropping && (
        <CropDialog
          picture={cropping}
          onCut={(part) => {
            cropped.current = cropping.id;
            putPart.mutate([part]);
          }}
          onClose={() => setCropping(null)}
        />
      )}
    </section>
  );
}
