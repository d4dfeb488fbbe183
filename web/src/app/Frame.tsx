import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useNavigate, useParams } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { SESSION_KEY, sessionQuery } from "@/shared/session";
import { useShortcut } from "@/shared/shortcuts";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { LanguageSwitch } from "@/shared/ui/LanguageSwitch";
import { ProjectNav } from "./ProjectNav";
import { SessionEnding } from "./SessionEnding";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { StudioState } from "./StudioState";
import { useAccountLanguage } from "./useAccountLanguage";

/** The rail with the project's rooms, and the page beside it. */
export function Frame() {
  const { t } = useTranslation();
  useAccountLanguage();
  const { projectId } = useParams();
  const session = useQuery(sessionQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const [keysShown, setKeysShown] = useState(false);
  useShortcut({ code: "Slash", shift: true }, () => setKeysShown(true));
  const leave = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/session")),
    onSuccess: async () => {
      client.clear();
      client.setQueryData(SESSION_KEY, null);
      await navigate("/sign-in");
    },
  });
  return (
    <div className="frame">
      <a className="skip" href="#page">
        {t("common.skip")}
      </a>
      <header className="rail">
        <Link className="brand" to="/">
          <img src="/icon.svg" alt="" width="28" height="28" />
          Oh My Assistant
        </Link>
        <nav aria-label={t("common.mainNav")} className="rail-nav">
          <NavLink to="/" end>
            {t("projects.title")}
          </NavLink>
          {projectId && <ProjectNav projectId={projectId} />}
        </nav>
        <div className="rail-foot">
          <button
            type="button"
            className="button quiet small keys-open"
            aria-keyshortcuts="Shift+?"
            onClick={() => setKeysShown(true)}
          >
            {t("keys.open")} <kbd aria-hidden="true">?</kbd>
          </button>
          <LanguageSwitch />
          <div className="row spread">
            <NavLink className="who" to="/account" title={t("settings.title")}>
              {session.data?.account.name}
            </NavLink>
            <button
              type="button"
              className="button quiet small"
              disabled={leave.isPending}
              onClick={() => leave.mutate()}
            >
              {t("account.signOut")}
            </button>
          </div>
          {leave.error ? <ErrorNote error={leave.error} /> : null}
        </div>
      </header>
      <main id="page" className="page" tabIndex={-1}>
        <StudioState />
        <SessionEnding />
        <Outlet key={projectId} />
      </main>
      {keysShown && <ShortcutsDialog onClose={() => setKeysShown(false)} />}
    </div>
  );
}
