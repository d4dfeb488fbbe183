import { useTranslation } from "react-i18next";
import type { Picture } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";

type Props = { picture: Picture; chosen: boolean; onToggle: (on: boolean) => void; onDelete: () => void };

export function PictureTile({ picture, chosen, onToggle, onDelete }: Props) {
  const { t } = useTranslation();
  return (
    <li className={chosen ? "tile chosen" : "tile"}>
      <label>
        <PictureView id={picture.id} src={picture.url} alt={picture.filename} />
        <span className="check tile-check">
          <input
            type="checkbox"
            checked={chosen}
            aria-label={t("style.learnFrom", { name: picture.filename })}
            onChange={(event) => onToggle(event.target.checked)}
          />
          <span className="tile-name">{picture.filename}</span>
        </span>
      </label>
      <button
        type="button"
        className="button quiet icon tile-delete"
        aria-label={t("style.deletePicture", { name: picture.filename })}
        onClick={onDelete}
      >
        ✕
      </button>
    </li>
  );
}
