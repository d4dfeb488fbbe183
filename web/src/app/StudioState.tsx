import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";

const ASK_EVERY_MS = 30_000;

function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const changed = () => setOnline(navigator.onLine);
    window.addEventListener("online", changed);
    window.addEventListener("offline", changed);
    return () => {
      window.removeEventListener("online", changed);
      window.removeEventListener("offline", changed);
    };
  }, []);
  return online;
}

/** Above every page: that there is no connection, or which part of the studio rests, and what works all the same. */
export function StudioState() {
  const { t } = useTranslation();
  const online = useOnline();
  const status = useQuery({
    queryKey: ["status"],
    queryFn: () => unwrap(api.GET("/api/v1/status")),
    refetchInterval: ASK_EVERY_MS,
  });
  const resting = Object.values(status.data?.services ?? {}).some((state) => state !== "serving");
  return (
    <div role="status">
      {!online && <p className="banner">{t("common.offline")}</p>}
      {online && resting && <p className="banner">{t("common.resting")}</p>}
    </div>
  );
}
