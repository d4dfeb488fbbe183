import { useTranslation } from "react-i18next";
import { useProjectId } from "@/shared/useProjectId";
import { AssetFilters } from "./AssetFilters";
import { KeptAssets } from "./KeptAssets";
import { TrashedAssets } from "./TrashedAssets";
import { useAssets } from "./useAssets";
import { useWanted } from "./useWanted";

/** Everything that was kept, to find, to look at and to take along; and what was thrown away. */
export function AssetsPage() {
  const { t } = useTranslation();
  const projectId = useProjectId();
  const [wanted, change] = useWanted();
  const hasSome = useAssets(projectId, wanted).data?.pages.some((page) => page.items.length > 0);
  return (
    <>
      <div className="row spread">
        <h1>{t("assets.title")}</h1>
        {!wanted.trash && hasSome && (
          <a className="button" href={`/api/v1/projects/${encodeURIComponent(projectId)}/assets.zip`} download>
            {t("assets.zip")}
          </a>
        )}
      </div>
      <AssetFilters projectId={projectId} wanted={wanted} onChange={change} />
      {wanted.trash ? (
        <TrashedAssets projectId={projectId} wanted={wanted} />
      ) : (
        <KeptAssets projectId={projectId} wanted={wanted} onSearch={(search) => change({ search })} />
      )}
    </>
  );
}
