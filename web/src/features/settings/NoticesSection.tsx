import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { JobKind } from "@/shared/api/models";
import { canNotify, chooseNotices, chosenNotices, NOTICED } from "@/shared/notices";

/** Which jobs' ends are told outside the page, by the browser, while nobody looks at the page. */
export function NoticesSection() {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(chosenNotices);
  const [permission, setPermission] = useState(() => (canNotify() ? Notification.permission : "denied"));
  const choose = async (kind: JobKind, on: boolean) => {
    const asked = on && permission === "default" ? await Notification.requestPermission() : permission;
    setPermission(asked);
    if (on && asked !== "granted") return;
    const kinds = on ? [...chosen, kind] : chosen.filter((other) => other !== kind);
    chooseNotices(kinds);
    setChosen(kinds);
  };
  return (
    <section className="card stack" aria-labelledby="settings-notices">
      <h2 id="settings-notices">{t("settings.notices")}</h2>
      <p className="hint">{t("settings.noticesText")}</p>
      {NOTICED.map((kind) => (
        <label key={kind} className="check">
          <input
            type="checkbox"
            checked={permission === "granted" && chosen.includes(kind)}
            disabled={permission === "denied"}
            onChange={(event) => void choose(kind, event.target.checked)}
          />
          {t(`jobs.kind.${kind}`)}
        </label>
      ))}
      <small className="hint" role="status">
        {!canNotify() ? t("settings.noticesUnknown") : permission === "denied" && t("settings.noticesDenied")}
      </small>
    </section>
  );
}
