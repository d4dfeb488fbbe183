import { useTranslation } from "react-i18next";
import type { Job, Result } from "@/shared/api/models";
import { usePictures } from "@/shared/pictures/usePictures";
import type { Compared } from "./CompareDialog";

/** What a drawing can be compared with: the photograph it was drawn from, and the others of the same job. */
export function useComparison(job: Job, result: Result): { picture: Compared & Result; others: Compared[] } {
  const { t } = useTranslation();
  const photo = usePictures(job.project_id).data?.find((picture) => picture.id === job.request.picture_id);
  const numbered = (one: Result) => ({ ...one, label: t("assets.compareNumber", { number: one.index + 1 }) });
  const siblings = job.results.filter((one) => one.id !== result.id).map(numbered);
  const others = photo ? [{ ...photo, label: t("assets.comparePhoto") }, ...siblings] : siblings;
  return { picture: numbered(result), others };
}
