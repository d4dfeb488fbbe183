import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Asset } from "@/shared/api/models";
import { useShortcut } from "@/shared/shortcuts";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { AssetCard } from "./AssetCard";
import { AssetDialog } from "./AssetDialog";
import { AssetGrid } from "./AssetGrid";
import { CompareAssets } from "./CompareAssets";
import { FilingDialog } from "./FilingDialog";
import { SelectionBar } from "./SelectionBar";
import { useAssets, useChangeAsset, useTrash, type Wanted } from "./useAssets";
import { useSelection } from "./useSelection";

type Props = { projectId: string; wanted: Wanted; onSearch: (text: string) => void };

/** The assets that were looked for, and what is done with them. */
export function KeptAssets({ projectId, wanted, onSearch }: Props) {
  const { t } = useTranslation();
  const assets = useAssets(projectId, wanted);
  const list = useMemo(() => assets.data?.pages.flatMap((page) => page.items) ?? [], [assets.data]);
  const { chosen, toggle, clear } = useSelection(useMemo(() => list.map((asset) => asset.id), [list]));
  const [openId, setOpenId] = useState<string | null>(null);
  const [comparing, setComparing] = useState(false);
  const [filing, setFiling] = useState<"folder" | "tags" | null>(null);
  const { mutate: change, error: changeError } = useChangeAsset(projectId);
  const { throwAway } = useTrash(projectId);
  const { mutate: remove } = throwAway;

  const open = useCallback((asset: Asset) => setOpenId(asset.id), []);
  const star = useCallback((asset: Asset) => change({ id: asset.id, change: { starred: !asset.starred } }), [change]);
  const discard = useCallback((asset: Asset) => remove([asset.id]), [remove]);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = assets;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const opened = openId === null ? undefined : list.find((asset) => asset.id === openId);
  const ticked = useMemo(() => {
    if (chosen.size === 0) return chosen;
    const here = new Set(list.map((asset) => asset.id));
    return new Set([...chosen].filter((id) => here.has(id)));
  }, [chosen, list]);
  const tickedAssets = list.filter((asset) => ticked.has(asset.id));
  const [one, other] = tickedAssets.length === 2 ? tickedAssets : [];
  const starAll = () => {
    const starred = tickedAssets.some((asset) => !asset.starred);
    for (const asset of tickedAssets) if (asset.starred !== starred) change({ id: asset.id, change: { starred } });
  };
  const throwAllAway = () => remove([...ticked], { onSuccess: clear });
  useShortcut({ code: "Period" }, starAll, ticked.size > 0);
  useShortcut({ code: "Delete" }, throwAllAway, ticked.size > 0);
  useShortcut({ code: "KeyC" }, () => setComparing(true), one !== undefined);
  const looking = wanted.search !== "" || wanted.kind !== null || wanted.starred || wanted.folder !== null;

  if (assets.isPending) return <Skeletons count={6} label={t("common.loading")} />;
  if (!assets.data) return <ErrorNote error={assets.error} onRetry={() => void assets.refetch()} />;
  if (list.length === 0 && looking) return <Empty title={t("assets.noneFound")} text={t("assets.noneFoundText")} />;
  if (list.length === 0) {
    return (
      <Empty title={t("assets.empty")} text={t("assets.emptyText")}>
        <Link className="button primary" to={`/projects/${projectId}/background`}>
          {t("assets.emptyAction")}
        </Link>
      </Empty>
    );
  }
  return (
    <>
      {(changeError ?? throwAway.error) ? <ErrorNote error={changeError ?? throwAway.error} /> : null}
      <AssetGrid
        assets={list}
        label={t("assets.title")}
        total={hasNextPage ? -1 : list.length}
        onEnd={more}
        card={(asset) => (
          <AssetCard
            asset={asset}
            chosen={chosen.has(asset.id)}
            onChoose={toggle}
            onOpen={open}
            onStar={star}
            onThrowAway={discard}
          />
        )}
      />
      {isFetchingNextPage && (
        <p className="hint" role="status">
          {t("common.loading")}
        </p>
      )}
      {isFetchNextPageError && <ErrorNote error={assets.error} onRetry={() => void fetchNextPage()} />}
      {ticked.size > 0 && (
        <SelectionBar
          projectId={projectId}
          chosen={ticked}
          busy={throwAway.isPending}
          onStar={starAll}
          onFile={setFiling}
          onCompare={one && other && (() => setComparing(true))}
          onThrowAway={throwAllAway}
          onClear={clear}
        />
      )}
      {comparing && one && other && <CompareAssets one={one} other={other} onClose={() => setComparing(false)} />}
      {filing && tickedAssets.length > 0 && (
        <FilingDialog
          what={filing}
          projectId={projectId}
          wanted={wanted}
          assets={tickedAssets}
          onClose={() => setFiling(null)}
        />
      )}
      {opened && (
        <AssetDialog
          key={opened.id}
          asset={opened}
          onTag={(tag) => {
            setOpenId(null);
            onSearch(tag);
          }}
          onClose={() => setOpenId(null)}
        />
      )}
    </>
  );
}
