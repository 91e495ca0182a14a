import { createHash } from "node:crypto";

/** Ids in the forms that DingTalk's have, the same for the same number. */
export const staffId = (person: number): string => `0326150155${String(person).padStart(8, "0")}`;
export const senderId = (person: number): string => `$:LWCP_v1:$${digest(`sender ${person}`, 16)}`;
export const directId = (person: number): string => `cid${digest(`direct ${person}`, 32)}`;
export const GROUP_ID = `cid${digest("group", 16)}`;
export const CORP_ID = "dinge19e25c0b3f73fd635c2f4657eb6378f";
export const BOT_USER_ID = `$:LWCP_v1:$${digest("bot", 24)}`;

/** Base64, so that some of them hold `+` and `/`, and most end in `=`. */
function digest(text: string, bytes: number): string {
  return createHash("sha256").update(text).digest().subarray(0, bytes).toString("base64");
}
