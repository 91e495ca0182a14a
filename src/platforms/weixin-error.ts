import { PlatformError, type PlatformErrorKind } from "./contract.ts";

/** What the number of an error means. */
export interface Meaning {
  kind: PlatformErrorKind;
  message: string;
  hint?: string;
  retryAfterMs?: number;
}

const TOO_MUCH = /\bfreq|too (?:fast|many)|rate limit/i;
const AFTER_TOO_MUCH_MS = 60_000;

/**
 * What an error means whose number nobody knows, by its `errmsg`: what is sent too fast passes later, all else never. Of the
 * `errmsg` nothing is told, for it holds addresses.
 */
export function unknownMeaning(errmsg: string, message: string): Meaning {
  if (!TOO_MUCH.test(errmsg)) return { kind: "refused", message };
  return { kind: "rate_limited", message, retryAfterMs: AFTER_TOO_MUCH_MS };
}

/** What WeCom or WeChat answered to a call that it did not do. */
export class WeixinError extends PlatformError {
  constructor(
    /** Its `errcode`. */
    readonly code: number,
    { kind, message, ...options }: Meaning,
  ) {
    super(kind, message, options);
  }
}

/** The number of the error that was answered; 0 for an error of another kind. */
export function weixinCode(error: unknown): number {
  return error instanceof WeixinError ? error.code : 0;
}

/** A token that is wrong, was replaced or has expired. */
const TOKEN_REFUSED: ReadonlySet<number> = new Set([40001, 40014, 42001]);

/** True where a new token may help. */
export function isTokenRefused(error: unknown): boolean {
  return TOKEN_REFUSED.has(weixinCode(error));
}
