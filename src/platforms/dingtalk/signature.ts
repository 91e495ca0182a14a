import { createHmac } from "node:crypto";
import { sameSecret } from "../../lib/secrets.ts";

/** Older and newer requests are taken for replayed ones. */
const MAX_AGE_MS = 3_600_000;

/**
 * True for a request that DingTalk signed with the app's secret within the last hour
 * (help.dingtalk.io/open/development/receive-message). The signature is over the time alone and says nothing of the body: whoever
 * has seen one request can send others for an hour. Only TLS keeps it from strangers' eyes, and the ids of messages from being
 * answered twice; a connection in Stream mode has none of this.
 */
export function isFromDingTalk(
  headers: Readonly<Record<string, string>>,
  appSecret: string | undefined,
  nowMs: number,
): boolean {
  const { timestamp = "", sign = "" } = headers;
  if (appSecret === undefined || appSecret.trim() === "") return false;
  if (!/^\d{10,15}$/.test(timestamp) || sign === "") return false;
  if (Math.abs(nowMs - Number(timestamp)) > MAX_AGE_MS) return false;
  const expected = createHmac("sha256", appSecret).update(`${timestamp}\n${appSecret}`).digest("base64");
  return sameSecret(sign, expected);
}
