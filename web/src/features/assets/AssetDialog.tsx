import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/shared/api/models";
import { fileSize } from "@/shared/fileSize";
import { FolderField } from "@/shared/filing/FolderField";
import { PrintForm } from "@/shared/results/PrintForm";
import { WebtoonForm } from "@/shared/results/WebtoonForm";
import { Dialog } from "@/shared/ui/Dialog";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Field } from "@/shared/ui/Field";
import { Form } from "@/shared/ui/Form";
import { PictureView } from "@/shared/ui/Picture";
import { TagsField } from "./TagsField";
import { areTakeable, tagsOf } from "./tags";
import { download, renewLink, useChangeAsset } from "./useAssets";

const MAX_NAME = 80;
const MAX_NOTES = 2000;
const text = (value: unknown) => (typeof value === "string" ? value : "");

type Props = { asset: Asset; onTag: (tag: string) => void; onClose: () => void };

/** One asset in full: its pictures, what they were drawn from, its name and notes, and every way to take it along. */
export function AssetDialog({ asset, onTag, onClose }: Props) {
  const { t } = useTranslation();
  const first = asset.files[0];
  return (
    <Dialog title={asset.name} wide onClose={onClose}>
      <div className="asset-detail">
        <div className="stack">
          {asset.files.map((file) => (
            <AssetPicture key={file.id} asset={asset} file={file} />
          ))}
        </div>
        <div className="stack">
          <NameForm asset={asset} />
          {asset.tags.length > 0 && (
            <ul className="row tags" aria-label={t("assets.tags")}>
              {asset.tags.map((tag) => (
                <li key={tag}>
                  <button type="button" className="chip" title={t("assets.findTag")} onClick={() => onTag(tag)}>
                    #{tag}
                  </button>
                </li>
              ))}
            </ul>
          )}
          <section className="stack tight" aria-label={t("webtoon.title")}>
            <h3>{t("webtoon.title")}</h3>
            <WebtoonForm of={`/api/v1/assets/${encodeURIComponent(asset.id)}`} />
          </section>
          {first?.media_type === "image/png" && (
            <section className="stack tight" aria-label={t("webtoon.printTitle")}>
              <h3>{t("webtoon.printTitle")}</h3>
              <PrintForm
                picture={first}
                filename={asset.name}
                link={async () => (await renewLink(asset.id, first.id)) ?? first.url}
              />
            </section>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function AssetPicture({ asset, file }: { asset: Asset; file: Asset["files"][number] }) {
  const { t, i18n } = useTranslation();
  const prompt = text(file.settings.prompt);
  const seed = file.settings.seed;
  return (
    <figure className="result">
      <PictureView
        id={file.id}
        src={file.url}
        alt={t("assets.resultAlt", { title: asset.name, number: file.index + 1 })}
        renew={() => renewLink(asset.id, file.id)}
      />
      <figcaption className="stack tight">
        <small className="hint">
          {file.width} × {file.height} · {fileSize(i18n.language, file.size_bytes)}
          {typeof seed === "number" && <> · {t("assets.useSeed", { seed: String(seed) })}</>}
        </small>
        {prompt && <small className="hint">{prompt}</small>}
        <div>
          <button type="button" className="button small" onClick={() => void download(asset, file)}>
            {asset.files.length > 1 ? t("assets.downloadNumber", { number: file.index + 1 }) : t("assets.downloadPng")}
          </button>
        </div>
      </figcaption>
    </figure>
  );
}

function NameForm({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const [name, setName] = useState(asset.name);
  const [description, setDescription] = useState(asset.description);
  const [folder, setFolder] = useState(asset.folder);
  const [line, setLine] = useState(asset.tags.join(", "));
  const change = useChangeAsset(asset.project_id);
  const tags = tagsOf(line);
  // Only what was edited: the rest may have been changed elsewhere since.
  const edited = {
    ...(name.trim() !== asset.name && { name: name.trim() }),
    ...(description !== asset.description && { description }),
    ...(folder.trim() !== asset.folder && { folder }),
    ...(tags.join("\n") !== asset.tags.join("\n") && { tags }),
  };
  const same = Object.keys(edited).length === 0;
  const showWhatWasTaken = (now: Asset) => {
    setFolder(now.folder);
    setLine(now.tags.join(", "));
  };
  const save = () => change.mutate({ id: asset.id, change: edited }, { onSuccess: showWhatWasTaken });
  return (
    <Form className="stack tight" onSubmit={save}>
      <Field
        label={t("assets.name")}
        value={name}
        required
        maxLength={MAX_NAME}
        onChange={(event) => setName(event.target.value)}
      />
      <label className="field">
        <span className="label">{t("assets.notes")}</span>
        <textarea
          rows={3}
          maxLength={MAX_NOTES}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
      </label>
      <FolderField projectId={asset.project_id} value={folder} onChange={setFolder} />
      <TagsField line={line} tags={tags} onChange={setLine} />
      {change.error ? <ErrorNote error={change.error} /> : null}
      <div className="row end">
        <span className="hint" role="status">
          {same && change.isSuccess && t("assets.changed")}
        </span>
        <button
          type="submit"
          className="button"
          disabled={same || !name.trim() || !areTakeable(tags) || change.isPending}
        >
          {t("common.save")}
        </button>
      </div>
    </Form>
  );
}
