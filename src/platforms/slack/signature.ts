import { hmac } from "../../lib/hmac.ts";
import { sameSecret } from "../../lib/secrets.ts";
import { isTimely } from "../../lib/signed-time.ts";
import type { WebhookRequest } from "../contract.ts";

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
  if (!/^\d{1,12}$/.test(timestamp) || !isTimely(Number(timestamp) * 1000, receivedAtMs)) return false;
  return sameSecret(signature, `v0=${hmac("sha256", signingSecret, "hex", `v0:${timestamp}:`, body)}`);
}
