import { hash } from "node:crypto";
import type { Sent } from "../contract.ts";
import type { Body } from "./message.ts";

/**
 * What the id of a message that was sent tells. DingTalk names only what went out through its API, and nothing can be changed but
 * cards: of the others the id holds what they show, so that a text that is there already is no change.
 */
export type SentKind =
  | { type: "card"; outTrackId: string; recallKey: string }
  | { type: "message"; digest: string; recallKey: string };

/** The id of a card. */
export function cardId(outTrackId: string, recallKey: string): Sent {
  return { messageId: `card:${outTrackId}:${recallKey}` };
}

/** The id of a message that is none. `recallKey` is empty where DingTalk gave none. */
export function messageId(body: Body | string, recallKey: string): Sent {
  return { messageId: `message:${digestOf(body)}:${recallKey}` };
}

/** Reads an id; of one that is none of ours, a message that shows nothing known. */
export function sentKindOf({ messageId: id }: Sent): SentKind {
  const [, type, name = "", recallKey = ""] = /^(card|message):([^:]*):(.*)$/.exec(id) ?? [];
  if (type === "card") return { type, outTrackId: name, recallKey };
  return { type: "message", digest: name, recallKey };
}

/** Stands for what a message shows. */
export function digestOf(body: Body | string): string {
  return hash("sha256", JSON.stringify(body), "hex").slice(0, 16);
}
