import { useTranslation } from "react-i18next";
import { Field } from "@/shared/ui/Field";
import { areTakeable, MAX_TAG, MAX_TAGS } from "./tags";

type Props = { line: string; tags: string[]; onChange: (line: string) => void };

/** Tags in one line; says so when there are too many, or one is too long. */
export function TagsField({ line, tags, onChange }: Props) {
  const { t } = useTranslation();
  const fits = areTakeable(tags);
  return (
    <Field
      label={t("assets.tags")}
      hint={t(fits ? "assets.tagsHint" : "assets.tagsLimit", { count: MAX_TAGS, length: MAX_TAG })}
      value={line}
      aria-invalid={!fits}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
