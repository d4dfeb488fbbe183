import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { CompareDialog } from "@/shared/results/CompareDialog";

type Props = { one: Asset; other: Asset; onClose: () => void };

/** Two assets over each other: the first picture of one, and every picture of the other to choose from. */
export function CompareAssets({ one, other, onClose }: Props) {
  const { t } = useTranslation();
  const [first] = one.files;
  if (!first) return null;
  const named = (file: Asset["files"][number]) =>
    other.files.length > 1 ? t("assets.resultAlt", { title: other.name, number: file.index + 1 }) : other.name;
  return (
    <CompareDialog
      title={t("assets.compare")}
      picture={{ ...first, label: one.name }}
      others={other.files.map((file) => ({ ...file, label: named(file) }))}
      onClose={onClose}
    />
  );
}
