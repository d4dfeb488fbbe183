import createClient from "openapi-fetch";
import { ApiError, errorFrom } from "./errors";
import type { paths } from "./schema";

export const SESSION_LOST = "oma:session-lost";
const SAFE_METHODS = new Set(["GET", "HEAD"]);

let csrfToken = "";

export function rememberCsrfToken(token: string): void {
  csrfToken = token;
}

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });

api.use({
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ response, schemaPath }) {
    // A 401 from /session itself answers "who am I?" or a wrong password; elsewhere it means the session ran out.
    if (response.status === 401 && !schemaPath.endsWith("/session")) window.dispatchEvent(new Event(SESSION_LOST));
  },
  onError() {
    return new ApiError(0, "OFFLINE", "", null);
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; throws ApiError for every other one. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (error !== undefined || !response.ok) throw errorFrom(response.status, error);
  return data as T;
}

type Page<T> = { items: T[]; next_cursor?: string | null };

/** Every item of a paged list, in order. */
export async function allPages<T>(readPage: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await readPage(cursor);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return items;
}
