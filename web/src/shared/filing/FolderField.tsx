import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "@/shared/ui/Field";
import { useFolders } from "./useFolders";

const MAX_FOLDER = 80;

type Props = { projectId: string; value: string; onChange: (folder: string) => void };

/** A folder by its name; those that exist are offered while it is typed. */
export function FolderField({ projectId, value, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const folders = useFolders(projectId).data ?? [];
  return (
    <>
      <Field
        label={t("assets.folder")}
        hint={t("assets.folderHint")}
        value={value}
        maxLength={MAX_FOLDER}
        list={id}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={id}>{folders.map(({ folder }) => folder && <option key={folder} value={folder} />)}</datalist>
    </>
  );
}
