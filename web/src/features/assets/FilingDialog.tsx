import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { FolderField } from "@/shared/filing/FolderField";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { TagsField } from "./TagsField";
import { areTakeable, tagsOf, withTags } from "./tags";
import { useFileAway, type Wanted } from "./useAssets";

type Props = {
  what: "folder" | "tags";
  projectId: string;
  wanted: Wanted;
  assets: Asset[];
  onClose: () => void;
};

/** Moves all that is chosen into one folder, or out of its folders; or gives tags to all of it. */
export function FilingDialog({ what, projectId, wanted, assets, onClose }: Props) {
  const { t } = useTranslation();
  const [folder, setFolder] = useState(commonFolder(assets));
  const [line, setLine] = useState("");
  const fileAway = useFileAway(projectId, wanted, onClose);
  const more = tagsOf(line);
  const tooMuch = assets.map((asset) => withTags(asset.tags, more)).find((tags) => !areTakeable(tags));
  const ready = what === "folder" || (more.length > 0 && !tooMuch);
  const send = () => {
    const change = (now: Asset) => (what === "folder" ? { folder } : { tags: withTags(now.tags, more) });
    fileAway.mutate(assets.map(({ id }) => ({ id, change })));
  };
  return (
    <Dialog title={t(what === "folder" ? "assets.moveTitle" : "assets.tagTitle")} onClose={onClose}>
      <Form onSubmit={send}>
        <p className="hint">{t("assets.chosen", { count: assets.length })}</p>
        {what === "folder" ? (
          <FolderField projectId={projectId} value={folder} onChange={setFolder} />
        ) : (
          <TagsField line={line} tags={tooMuch ?? more} onChange={setLine} />
        )}
        {fileAway.error ? <ErrorNote error={fileAway.error} /> : null}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t("common.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={!ready || fileAway.isPending}>
            {t(what === "folder" ? "assets.move" : "assets.tag")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

/** The folder that all of them lie in; empty where there is no such. */
function commonFolder(assets: Asset[]): string {
  const [first] = assets;
  return first && assets.every((asset) => asset.folder === first.folder) ? first.folder : "";
}
