import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";

/** How near a drawing is to the artist's own pages, and what is furthest from them; nothing where that cannot be said. */
export function StyleReading({ resultId }: { resultId: string }) {
  const { t } = useTranslation();
  const reading = useQuery({
    queryKey: ["reading", resultId],
    queryFn: () =>
      unwrap(api.GET("/api/v1/results/{result_id}/reading", { params: { path: { result_id: resultId } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (!reading.data) return null;
  const { verdict, aspects } = reading.data;
  const furthest = aspects.reduce((most, one) => (one.times > most.times ? one : most));
  return (
    <p className="hint" data-verdict={verdict}>
      {t(`reading.verdict.${verdict}`)}
      {verdict !== "close" && ` ${t(`reading.reason.${furthest.kind}`)}`}
    </p>
  );
}
