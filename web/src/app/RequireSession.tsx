import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, Outlet, useLocation } from "react-router";
import { listenForLostSession, sessionIs } from "@/shared/api/lostSession";
import { sessionQuery } from "@/shared/session";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { SignInAgain } from "./SignInAgain";

/** Lets signed-in people through; when the session runs out, asks for the password over the page, which stays. */
export function RequireSession() {
  const { t } = useTranslation();
  const location = useLocation();
  const session = useQuery(sessionQuery);
  const [lost, setLost] = useState(false);
  useEffect(() => listenForLostSession(() => setLost(true)), []);
  const answer = (back: boolean) => {
    setLost(false);
    sessionIs(back);
  };

  if (session.isPending) return <p className="page hint">{t("common.loading")}</p>;
  if (session.isError) {
    return (
      <main className="page narrow">
        <ErrorNote error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  if (!session.data) return <Navigate to="/sign-in" replace state={{ from: location.pathname }} />;
  return (
    <>
      <Outlet />
      {lost && <SignInAgain email={session.data.account.email} onAnswer={answer} />}
    </>
  );
}
