import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ConfirmDialog } from "@/shared/ui/ConfirmDialog";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { AssetGrid } from "./AssetGrid";
import { TrashCard } from "./TrashCard";
import { useAssets, useTrash, type Wanted } from "./useAssets";

/** What was thrown away in this project, with the days that are left. */
export function TrashedAssets({ projectId, wanted }: { projectId: string; wanted: Wanted }) {
  const { t } = useTranslation();
  const assets = useAssets(projectId, wanted);
  const { restore, remove, empty } = useTrash(projectId);
  const [asking, setAsking] = useState<{ id: string; name: string } | "all" | null>(null);
  const list = assets.data?.pages.flatMap((page) => page.items) ?? [];
  const removing = asking === "all" ? empty : remove;
  const confirm = () => {
    const done = { onSuccess: () => setAsking(null) };
    if (asking === "all") empty.mutate(undefined, done);
    else if (asking) remove.mutate([asking.id], done);
  };

  if (assets.isPending) return <Skeletons count={3} label={t("common.loading")} />;
  if (!assets.data) return <ErrorNote error={assets.error} onRetry={() => void assets.refetch()} />;
  if (list.length === 0) return <Empty title={t("assets.trashEmpty")} text={t("assets.trashEmptyText")} />;
  return (
    <>
      <div className="row spread">
        <p className="hint">{t("assets.trashText")}</p>
        <button type="button" className="button small" onClick={() => setAsking("all")}>
          {t("assets.emptyTrash")}
        </button>
      </div>
      {restore.error ? <ErrorNote error={restore.error} /> : null}
      <AssetGrid
        assets={list}
        label={t("assets.trash")}
        total={assets.hasNextPage ? -1 : list.length}
        onEnd={() => {
          if (assets.hasNextPage && !assets.isFetchingNextPage) void assets.fetchNextPage();
        }}
        card={(asset) => (
          <TrashCard
            asset={asset}
            busy={restore.isPending}
            onRestore={() => restore.mutate([asset.id])}
            onRemove={() => setAsking(asset)}
          />
        )}
      />
      {asking && (
        <ConfirmDialog
          title={asking === "all" ? t("assets.emptyTrash") : t("assets.remove")}
          text={asking === "all" ? t("assets.emptyTrashText") : t("assets.removeText", { name: asking.name })}
          action={t("assets.remove")}
          busy={removing.isPending}
          error={removing.error}
          onConfirm={confirm}
          onClose={() => setAsking(null)}
        />
      )}
    </>
  );
}
