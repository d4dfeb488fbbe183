import i18next from "i18next";
import { ApiError } from "@/shared/api/errors";
import { textOf } from "./reasons";

const BY_STATUS: Record<number, string> = {
  0: "OFFLINE",
  401: "UNAUTHENTICATED",
  403: "CSRF",
  404: "NOT_FOUND",
  409: "CONFLICT",
  413: "TOO_LARGE",
  422: "VALIDATION",
  429: "OVERLOADED",
  500: "BUG",
  503: "UNAVAILABLE",
};

/** The sentence for a reason code; the gateway's own message when the code is new to us. */
export function reasonText(reason: string, message: string, status = -1): string {
  const known = `errors.${textOf(reason)}`;
  if (i18next.exists(known)) return i18next.t(known as "errors.UNEXPECTED");
  const fallback = i18next.t(`errors.${BY_STATUS[status] ?? "UNEXPECTED"}` as "errors.UNEXPECTED");
  return message ? `${fallback} (${message})` : fallback;
}

export function errorText(error: unknown): string {
  if (error instanceof ApiError) return reasonText(error.reason, error.message, error.status);
  return reasonText("UNEXPECTED", error instanceof Error ? error.message : "");
}
