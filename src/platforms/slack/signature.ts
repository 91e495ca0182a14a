import { createHmac } from "node:crypto";
import { sameSecret } from "../../lib/secrets.ts";
import type { WebhookRequest } from "../contract.ts";

/** Older and newer requests are taken for replayed ones. */
const MAX_AGE_S = 300;

/**
 * True for a request that Slack signed with this secret within the last five minutes
 * (docs.slack.dev/authentication/verifying-requests-from-slack). The signature is over the bytes of the body.
 */
export function isFromSlack(
  { headers, body, receivedAtMs }: Pick<WebhookRequest, "headers" | "body" | "receivedAtMs">,
  signingSecret: string | undefined,
): boolean {
  const signature = headers["x-slack-signature"] ?? "";
  const timestamp = headers["x-slack-request-timestamp"] ?? "";
  if (signingSecret === undefined || signingSecret.trim() === "") return false;
  if (!/^v0=[0-9a-f]{64}$/.test(signature) || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(receivedAtMs / 1000 - Number(timestamp)) > MAX_AGE_S) return false;
  const expected = createHmac("sha256", signingSecret).update(`v0:${timestamp}:`).update(body).digest("hex");
  return sameSecret(signature, `v0=${expected}`);
}
