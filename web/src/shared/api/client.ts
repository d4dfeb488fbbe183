import createClient from "openapi-fetch";
import { ApiError, errorFrom } from "./errors";
import { sessionBack } from "./lostSession";
import type { paths } from "./schema";

const SAFE_METHODS = new Set(["GET", "HEAD"]);
const UNAUTHORIZED = 401;
/** A wrong password, where one is asked for, is no lost session. */
const WRONG = new Set(["WRONG_CREDENTIALS", "WRONG_PASSWORD"]);

let csrfToken = "";

export function rememberCsrfToken(token: string): void {
  csrfToken = token;
}

/** Sends a request. When the session has run out, asks for the password and sends the same request once more. */
export async function patientFetch(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(signed(request));
  // A 401 from /session itself answers "who am I?".
  if (response.status !== UNAUTHORIZED || new URL(request.url).pathname.endsWith("/session")) return response;
  const told = errorFrom(response.status, await response.clone().json());
  if (WRONG.has(told.reason) || !(await sessionBack())) return response;
  return fetch(signed(again));
}

function signed(request: Request): Request {
  if (!SAFE_METHODS.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
  return request;
}

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin", fetch: patientFetch });

api.use({
  onError() {
    return new ApiError(0, "OFFLINE", "", null);
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; throws ApiError for every other one. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (error !== undefined || !response.ok) throw errorFrom(response.status, error, response.headers.get("Retry-After"));
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
