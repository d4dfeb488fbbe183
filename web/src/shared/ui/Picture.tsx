import { useState } from "react";
import { useTranslation } from "react-i18next";
import { dropLink, steadyLink } from "@/shared/api/links";

type Props = {
  /** The file's id: the same file keeps its link while lists are refreshed. */
  id: string;
  src: string;
  alt: string;
  className?: string;
};

/** A picture by its short-lived link; when the link no longer answers, words instead of a broken frame. */
export function PictureView({ id, src, alt, className }: Props) {
  const { t } = useTranslation();
  const [brokenLink, setBrokenLink] = useState<string | null>(null);
  const link = steadyLink(id, src);
  if (brokenLink === link) {
    return (
      <div className={`picture-gone ${className ?? ""}`} role="img" aria-label={alt}>
        {t("common.pictureGone")}
      </div>
    );
  }
  const broken = () => {
    dropLink(id);
    setBrokenLink(link);
  };
  return <img src={link} alt={alt} className={className} loading="lazy" onError={broken} />;
}
