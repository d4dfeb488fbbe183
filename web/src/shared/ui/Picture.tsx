import { useState } from "react";
import { useTranslation } from "react-i18next";
import { dropLink, steadyLink } from "@/shared/api/links";

type Props = {
  /** The file's id: the same file keeps its link while lists are refreshed. */
  id: string;
  src: string;
  alt: string;
  className?: string;
  /** Asks for a fresh link where the list around it is not read again by itself. */
  renew?: () => Promise<string | undefined>;
};

/** A picture by its short-lived link; when the link no longer answers, words instead of a broken frame. */
export function PictureView({ id, src, alt, className, renew }: Props) {
  const { t } = useTranslation();
  const [brokenLink, setBrokenLink] = useState<string | null>(null);
  const [renewed, setRenewed] = useState<string | null>(null);
  const link = renewed ?? steadyLink(id, src);
  const broken = async () => {
    dropLink(id);
    // One fresh link is asked for; when that does not answer either, the picture is gone.
    const fresh = renewed === null ? await renew?.().catch(() => undefined) : undefined;
    if (fresh && fresh !== link) setRenewed(fresh);
    else setBrokenLink(link);
  };
  if (brokenLink === link) {
    return (
      <div className={`picture-gone ${className ?? ""}`} role="img" aria-label={alt}>
        {t("common.pictureGone")}
      </div>
    );
  }
  return (
    <img src={link} alt={alt} className={className} loading="lazy" decoding="async" onError={() => void broken()} />
  );
}
