import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { newestSession, SESSION_KEY, sessionQuery } from "@/shared/session";
import { SignInAgain } from "./SignInAgain";

/** So long before the end it is told. */
export const WARN_MS = 5 * 60_000;
/** A browser forgets timers that are set for longer than some weeks. */
const LOOK_AGAIN_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

/** Minutes until a session ends, when that is soon; null while it is not. */
export function minutesLeft(expiresAt: string, now: number): number | null {
  const left = Date.parse(expiresAt) - now;
  return left > WARN_MS ? null : Math.max(0, Math.ceil(left / MINUTE_MS));
}

/**
 * Says that the session ends in a few minutes, and how to stay. Working moves its end by itself, so it comes near only
 * where a session has reached the longest that any may last.
 */
export function SessionEnding() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const session = useQuery(sessionQuery).data;
  const expiresAt = session?.expires_at;
  const [minutes, setMinutes] = useState<number | null>(null);
  const [staying, setStaying] = useState(false);
  useEffect(() => {
    if (!expiresAt) return;
    let timer = 0;
    let over = false;
    const look = async () => {
      const left = minutesLeft(expiresAt, Date.now());
      // Asking moves the end of a session that may last longer.
      const told = left === null || left === 0 ? null : await newestSession();
      if (over) return;
      if (told && told.expires_at !== expiresAt) {
        client.setQueryData(SESSION_KEY, told); // and with it this effect begins anew
        return;
      }
      setMinutes(left);
      const until = Date.parse(expiresAt) - WARN_MS - Date.now();
      timer = window.setTimeout(() => void look(), left === null ? Math.min(until, LOOK_AGAIN_MS) : MINUTE_MS);
    };
    void look();
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [expiresAt, client]);

  return (
    <>
      <div role="status">
        {minutes !== null && (
          <div className="banner row spread">
            <span>{t("account.sessionEnding", { count: minutes })}</span>
            <button type="button" className="button small" onClick={() => setStaying(true)}>
              {t("account.staySignedIn")}
            </button>
          </div>
        )}
      </div>
      {staying && session && <SignInAgain email={session.account.email} early onAnswer={() => setStaying(false)} />}
    </>
  );
}
