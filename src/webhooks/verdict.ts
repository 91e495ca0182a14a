import type { SignedHeaders, Verdict } from "./contract.ts";

/** Signatures in one header, more than any rotation needs: each is compared with each secret. */
export const MAX_SIGNATURES = 16;

/** The request is what its sender signed. */
export function accepted(deliveryId: string | null, atMs: number | null): Verdict {
  return { ok: true, deliveryId, atMs };
}

/** The request is not to be taken, for a reason that repeats nothing of it. */
export function refused(reason: string): Verdict {
  return { ok: false, reason };
}

/** The value of a header, null when it is missing or blank. The name may come from the configuration. */
export function headerOf(headers: SignedHeaders, name: string): string | null {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return value === undefined || value.trim() === "" ? null : value;
}

/** The secrets that are more than blanks: an HMAC with an empty key can be made by anybody. */
export function usableSecrets(secrets: readonly string[]): string[] {
  return secrets.filter((secret) => secret.trim() !== "");
}
