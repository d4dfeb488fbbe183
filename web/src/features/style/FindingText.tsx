import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { Finding } from "@/shared/api/models";

const KNOWN = ["BLANK", "DUPLICATE", "LETTERING", "PICTURE_TOO_SMALL", "SMALL", "TOO_FEW"] as const;

function findingText(t: TFunction, { code, message }: Finding): string {
  const known = KNOWN.find((one) => one === code);
  return known ? t(`style.findings.${known}`) : message;
}

/** One thing that was noticed: a sign for how grave it is, and what to do about it. */
export function FindingText({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  return (
    <small className={finding.is_error ? "finding grave" : "finding"}>
      <span aria-hidden="true">{finding.is_error ? "✕" : "!"}</span> {findingText(t, finding)}
    </small>
  );
}
