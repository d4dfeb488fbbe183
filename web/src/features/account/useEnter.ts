import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation, useNavigate } from "react-router";
import type { Session } from "@/shared/api/models";
import { SESSION_KEY } from "@/shared/session";

/** Signs in or up, then goes where the person wanted to go. */
export function useEnter(open: () => Promise<Session>) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const from: unknown = useLocation().state?.from;
  return useMutation({
    mutationFn: open,
    onSuccess: async (session) => {
      client.setQueryData(SESSION_KEY, session);
      await navigate(typeof from === "string" ? from : "/", { replace: true });
    },
  });
}
