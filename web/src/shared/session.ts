import { queryOptions } from "@tanstack/react-query";
import { api, rememberCsrfToken, unwrap } from "@/shared/api/client";
import { ApiError } from "@/shared/api/errors";
import type { Session } from "@/shared/api/models";

export const SESSION_KEY = ["session"];

export function remember(session: Session): Session {
  rememberCsrfToken(session.csrf_token);
  return session;
}

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  staleTime: Number.POSITIVE_INFINITY,
  refetchInterval: false, // a request that finds it ended asks for the password over the page
  queryFn: async (): Promise<Session | null> => {
    try {
      return remember(await unwrap(api.GET("/api/v1/session")));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** The session as it is now; null when that cannot be told. */
export async function newestSession(): Promise<Session | null> {
  try {
    return remember(await unwrap(api.GET("/api/v1/session")));
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

export async function signIn(email: string, password: string): Promise<Session> {
  return remember(await unwrap(api.POST("/api/v1/session", { body: { email, password } })));
}
