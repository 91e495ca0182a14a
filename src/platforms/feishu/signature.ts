import { createHash } from "node:crypto";
import { sameSecret } from "../../lib/secrets.ts";
import type { WebhookRequest } from "../contract.ts";

/**
 * Feishu delivers an event again after 15 seconds, 5 minutes, an hour and 6 hours, and does not say whether it signs anew: a
 * request stays good until the last of these. That nobody gains by replaying one is the gateway's doing, which knows the id of
 * every message and press for days.
 */
const MAX_AGE_S = 8 * 3600;
const MAX_AHEAD_S = 300;

/** True for a request that says that it is signed. */
export function isSigned({ headers }: Pick<WebhookRequest, "headers">): boolean {
  return headers["x-lark-signature"] !== undefined;
}

/**
 * True for a request that was signed with this key, not too long ago
 * (open.feishu.cn/document/event-subscription-guide/event-subscriptions/event-subscription-configure-/encrypt-key-encryption-configuration-case).
 * The signature is over the bytes of the body as they came.
 */
export function isSignedBy(
  encryptKey: string,
  { headers, body, receivedAtMs }: Pick<WebhookRequest, "headers" | "body" | "receivedAtMs">,
): boolean {
  const signature = headers["x-lark-signature"] ?? "";
  const timestamp = headers["x-lark-request-timestamp"] ?? "";
  const nonce = headers["x-lark-request-nonce"] ?? "";
  if (!/^[0-9a-f]{64}$/.test(signature) || !/^\d{1,12}$/.test(timestamp) || nonce === "") return false;
  const ageS = receivedAtMs / 1000 - Number(timestamp);
  if (ageS > MAX_AGE_S || ageS < -MAX_AHEAD_S) return false;
  const signed = createHash("sha256").update(`${timestamp}${nonce}${encryptKey}`).update(body);
  return sameSecret(signature, signed.digest("hex"));
}
