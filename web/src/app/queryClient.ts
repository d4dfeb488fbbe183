import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/shared/api/errors";

const MAX_RETRIES = 2;
const LINK_REFRESH_MS = 8 * 60 * 1000;

/** Only what may pass by itself is tried again: no network, or a part that is down. */
function worthRetrying(count: number, error: Error): boolean {
  const passing = error instanceof ApiError && (error.status === 0 || error.status === 503);
  return passing && count < MAX_RETRIES;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    // Lists carry links that die after 15 minutes, so every list is read again before that.
    queries: { retry: worthRetrying, staleTime: 5000, refetchInterval: LINK_REFRESH_MS },
  },
});
