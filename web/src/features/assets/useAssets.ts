import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";
import type { Asset } from "@/shared/api/models";
import { saveFrom } from "@/shared/download";
import { foldersKey } from "@/shared/filing/useFolders";
import { useToast } from "@/shared/ui/Toasts";

export const ORDERS = ["newest", "oldest", "name"] as const;
export type Order = (typeof ORDERS)[number];
/** `folder`: null for all of them, "" for what lies in none. */
export type Wanted = {
  search: string;
  kind: Asset["kind"] | null;
  starred: boolean;
  folder: string | null;
  order: Order;
  trash: boolean;
};
type AssetPage = { items: Asset[]; next_cursor: string | null };
type Pages = InfiniteData<AssetPage, string | undefined>;
type Change = { name?: string; description?: string; starred?: boolean; folder?: string; tags?: string[] };

const PAGE = 60;
const key = (projectId: string) => ["assets", projectId];

/** An answer as this version knows it: during an upgrade a gateway of the version before may answer, without folders. */
const whole = (asset: Asset): Asset => ({ ...asset, folder: asset.folder ?? "", tags: asset.tags ?? [] });

async function readPage(projectId: string, wanted: Wanted, cursor: string | undefined): Promise<AssetPage> {
  const page = await (wanted.trash ? readTrash(projectId, cursor) : readKept(projectId, wanted, cursor));
  return { ...page, items: page.items.map(whole) };
}

function readTrash(projectId: string, cursor: string | undefined): Promise<AssetPage> {
  return unwrap(api.GET("/api/v1/trash", { params: { query: { project_id: projectId, cursor, limit: PAGE } } }));
}

function readKept(projectId: string, wanted: Wanted, cursor: string | undefined): Promise<AssetPage> {
  const { search, kind, starred, folder, order } = wanted;
  return unwrap(
    api.GET("/api/v1/projects/{project_id}/assets", {
      params: {
        path: { project_id: projectId },
        query: {
          search: search || undefined,
          kind: kind ?? undefined,
          starred: starred || undefined,
          folder: folder ?? undefined,
          order,
          cursor,
          limit: PAGE,
        },
      },
    }),
  );
}

/** A project's assets, or its trash, page by page as they are scrolled to. */
export function useAssets(projectId: string, wanted: Wanted) {
  return useInfiniteQuery({
    queryKey: [...key(projectId), wanted],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => readPage(projectId, wanted, pageParam),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // A thousand pages are not read again by themselves; a picture whose link died asks for a fresh one.
    refetchInterval: false,
    staleTime: Number.POSITIVE_INFINITY,
    // With every page that comes, all pages before would be compared with themselves, field by field.
    structuralSharing: false,
  });
}

async function readOne(assetId: string): Promise<Asset> {
  return whole(await unwrap(api.GET("/api/v1/assets/{asset_id}", { params: { path: { asset_id: assetId } } })));
}

/** A fresh link to one of an asset's pictures. */
export async function renewLink(assetId: string, fileId: string): Promise<string | undefined> {
  const asset = await readOne(assetId);
  return asset.files.find((file) => file.id === fileId)?.url;
}

/** Saves one picture of an asset; its link may have died since the list was read. */
export async function download(asset: Asset, file: Asset["files"][number]): Promise<void> {
  const url = (await renewLink(asset.id, file.id)) ?? file.url;
  const ending = file.media_type === "image/jpeg" ? "jpg" : "png";
  saveFrom(url, `${asset.name}-${file.index + 1}.${ending}`);
}

/** Changes assets in every list that was read, without reading it again. */
function rewrite(client: QueryClient, projectId: string, change: (items: Asset[]) => Asset[]): void {
  client.setQueriesData<Pages>({ queryKey: key(projectId) }, (data) =>
    data ? { ...data, pages: data.pages.map((page) => ({ ...page, items: change(page.items) })) } : data,
  );
}

type Changed = { id: string; change: Change };
/** What is to be changed, told of the asset as it is now: the list may have been read long ago. */
type Filing = { id: string; change: (asset: Asset) => Change };

async function send(client: QueryClient, projectId: string, { id, change }: Changed): Promise<Asset> {
  const path = { asset_id: id };
  const asset = whole(await unwrap(api.PATCH("/api/v1/assets/{asset_id}", { params: { path }, body: change })));
  rewrite(client, projectId, (items) => items.map((item) => (item.id === id ? asset : item)));
  return asset;
}

export function useChangeAsset(projectId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changed: Changed) => send(client, projectId, changed),
    onSuccess: (_asset, { change }) => {
      if (change.folder !== undefined) void client.invalidateQueries({ queryKey: foldersKey(projectId) });
      client.removeQueries({ queryKey: key(projectId), type: "inactive" });
    },
  });
}

/** Changes folders or tags of several. A list that was looked for by them is read anew. */
export function useFileAway(projectId: string, wanted: Wanted, onFiled: () => void) {
  const { t } = useTranslation();
  const toast = useToast();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (all: Filing[]) => {
      for (const { id, change } of all) await send(client, projectId, { id, change: change(await readOne(id)) });
    },
    onSuccess: (_done, all) => {
      toast(t("assets.filed", { count: all.length }));
      onFiled();
      if (wanted.folder !== null || wanted.search) void client.resetQueries({ queryKey: key(projectId) });
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: foldersKey(projectId) });
      client.removeQueries({ queryKey: key(projectId), type: "inactive" });
    },
  });
}

async function eachOf(ids: string[], send: (id: string) => Promise<unknown>): Promise<void> {
  for (const id of ids) await send(id);
}

/** To the trash and back; what was thrown away can be undone from the note that says so. */
export function useTrash(projectId: string) {
  const { t } = useTranslation();
  const toast = useToast();
  const client = useQueryClient();
  const path = (id: string) => ({ params: { path: { asset_id: id } } });
  // Other lists are read anew when they are looked at; the one on the screen keeps its place.
  const gone = (ids: string[]) => {
    const set = new Set(ids);
    rewrite(client, projectId, (items) => items.filter((item) => !set.has(item.id)));
    void client.invalidateQueries({ queryKey: foldersKey(projectId) });
    client.removeQueries({ queryKey: key(projectId), type: "inactive" });
  };
  const restore = useMutation({
    mutationFn: (ids: string[]) => eachOf(ids, (id) => unwrap(api.POST("/api/v1/assets/{asset_id}/restore", path(id)))),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: foldersKey(projectId) }),
        client.resetQueries({ queryKey: key(projectId) }),
      ]),
    onSuccess: (_done, ids) => toast(t("assets.restored", { count: ids.length })),
  });
  const throwAway = useMutation({
    mutationFn: (ids: string[]) => eachOf(ids, (id) => unwrap(api.DELETE("/api/v1/assets/{asset_id}", path(id)))),
    onSuccess: (_done, ids) => {
      gone(ids);
      const undo = { label: t("assets.undo"), run: () => restore.mutate(ids) };
      toast(t("assets.thrownAway", { count: ids.length }), undo);
    },
    onError: () => client.resetQueries({ queryKey: key(projectId) }),
  });
  const remove = useMutation({
    mutationFn: (ids: string[]) => eachOf(ids, (id) => unwrap(api.DELETE("/api/v1/trash/{asset_id}", path(id)))),
    onSuccess: (_done, ids) => gone(ids),
    onError: () => client.resetQueries({ queryKey: key(projectId) }),
  });
  const empty = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/trash", { params: { query: { project_id: projectId } } })),
    onSettled: () => client.resetQueries({ queryKey: key(projectId) }),
  });
  return { throwAway, restore, remove, empty };
}
