import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { allPages, api, unwrap } from "@/shared/api/client";
import { Empty, Skeletons } from "@/shared/ui/Empty";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { useProjectId } from "@/shared/useProjectId";
import { AssetCard } from "./AssetCard";

/** Everything that was kept, to look at and to take along. */
export function AssetsPage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  const assets = useQuery({
    queryKey: ["assets", projectId],
    queryFn: () =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/v1/projects/{project_id}/assets", {
            params: { path: { project_id: projectId }, query: { cursor } },
          }),
        ),
      ),
  });
  return (
    <>
      <div className="row spread">
        <h1>{t("assets.title")}</h1>
        {assets.data && assets.data.length > 0 && (
          <a className="button primary" href={`/api/v1/projects/${encodeURIComponent(projectId)}/assets.zip`} download>
            {t("assets.zip")}
          </a>
        )}
      </div>
      {assets.isPending && <Skeletons count={6} label={t("common.loading")} />}
      {assets.isError && <ErrorNote error={assets.error} onRetry={() => void assets.refetch()} />}
      {assets.data?.length === 0 && (
        <Empty title={t("assets.empty")} text={t("assets.emptyText")}>
          <Link className="button primary" to={`/projects/${projectId}/background`}>
            {t("assets.emptyAction")}
          </Link>
        </Empty>
      )}
      {assets.data && (
        <ul className="grid plain">
          {assets.data.map((asset) => (
            <AssetCard key={asset.id} asset={asset} />
          ))}
        </ul>
      )}
    </>
  );
}
