/** A request that failed. `reason` is the gateway's code, or one of ours: OFFLINE, UNEXPECTED. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly requestId: string | null;
  /** How long to wait before it is worth trying again; null when nothing was said. */
  readonly waitSeconds: number | null;

  constructor(status: number, reason: string, message: string, requestId: string | null, waitSeconds?: number | null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
    this.requestId = requestId;
    this.waitSeconds = waitSeconds ?? null;
  }
}

type ErrorBody = { error?: { reason?: string; message?: string; request_id?: string } };

/** Reads the gateway's error form; anything else (a proxy's page, say) becomes UNEXPECTED. */
export function errorFrom(status: number, body: unknown, retryAfter: string | null = null): ApiError {
  const told = (body as ErrorBody | null)?.error;
  const wait = retryAfter === null ? Number.NaN : Number(retryAfter);
  const waitSeconds = Number.isFinite(wait) ? wait : null;
  return new ApiError(status, told?.reason ?? "UNEXPECTED", told?.message ?? "", told?.request_id ?? null, waitSeconds);
}
