import { useTranslation } from "react-i18next";
import { PictureView } from "@/shared/ui/Picture";
import { Dropzone } from "./Dropzone";
import { RefusedFiles } from "./RefusedFiles";
import { usePictures, useUpload } from "./usePictures";

type Props = {
  projectId: string;
  label: string;
  pictureId: string | null;
  onPick: (pictureId: string | null) => void;
  /** Whether files dropped or pasted anywhere on the page come here. */
  everywhere?: boolean;
};

/** A place for one picture: drop, paste, pick a file, or take one that is in the project already. */
export function PictureWell({ projectId, label, pictureId, onPick, everywhere }: Props) {
  const { t } = useTranslation();
  const pictures = usePictures(projectId);
  const upload = useUpload(projectId, (picture) => onPick(picture.id));
  const chosen = pictures.data?.find((picture) => picture.id === pictureId);
  const others = pictures.data?.filter((picture) => picture.id !== pictureId) ?? [];
  return (
    <div className="well">
      <Dropzone
        label={chosen ? t("common.otherPicture") : label}
        busy={upload.isPending}
        everywhere={everywhere}
        onFiles={upload.mutate}
      >
        {chosen && <PictureView id={chosen.id} src={chosen.url} alt={chosen.filename} className="well-picture" />}
      </Dropzone>
      {chosen && (
        <button type="button" className="button quiet small" onClick={() => onPick(null)}>
          {t("common.removePicture")}
        </button>
      )}
      <RefusedFiles refused={upload.data} />
      {others.length > 0 && (
        <details>
          <summary>{t("common.fromProject")}</summary>
          <div className="thumbs">
            {others.map((picture) => (
              <button
                key={picture.id}
                type="button"
                className="thumb"
                aria-label={t("common.usePicture", { name: picture.filename })}
                onClick={() => onPick(picture.id)}
              >
                <PictureView id={picture.id} src={picture.url} alt="" />
              </button>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}
