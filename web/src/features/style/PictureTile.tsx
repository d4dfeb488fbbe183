import { useTranslation } from "react-i18next";
import type { Finding, Picture } from "@/shared/api/models";
import { PictureView } from "@/shared/ui/Picture";
import { FindingText } from "./FindingText";

type Props = {
  picture: Picture;
  chosen: boolean;
  findings: Finding[];
  onToggle: (on: boolean) => void;
  /** Absent while another part is on its way. */
  onCrop: (() => void) | undefined;
  onDelete: () => void;
};

export function PictureTile({ picture, chosen, findings, onToggle, onCrop, onDelete }: Props) {
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
        {findings.map((one) => (
          <FindingText key={one.code} finding={one} />
        ))}
      </label>
      <button
        type="button"
        className="button quiet small"
        aria-label={t("style.cropPicture", { name: picture.filename })}
        disabled={!onCrop}
        onClick={onCrop}
      >
        {t("style.crop")}
      </button>
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
