import type { InboundFile } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { type Content, readContent } from "./content.ts";
import { mentionsOf, withNames } from "./mentions.ts";

/** Messages of a forward that are read; more would only fill the model's memory. */
const MAX_FORWARDED = 50;

/** A message that somebody refers to. */
export interface Earlier {
  text: string;
  files: readonly InboundFile[];
  isFromBot: boolean;
}

/**
 * Reads a message by its id (open.feishu.cn/document/server-docs/im-v1/message/get); null when it says nothing. Needs a permission
 * to read messages.
 */
export async function readEarlier(
  api: FeishuApi,
  messageId: string,
  signal: AbortSignal,
): Promise<Earlier | null> {
  const [item] = await itemsOf(api, messageId, signal);
  if (item === undefined) return null;
  const { id, sender_type: type } = fieldsOf(item["sender"]);
  const content = contentOf(item);
  const text = item["msg_type"] === "merge_forward" ? "[forwarded messages]" : wordsOf(item, content);
  return text === "" ? null : { text, files: content.files, isFromBot: type === "app" && id === api.appId };
}

/** The words of messages that were forwarded as one, a line for each. */
export async function readForwarded(api: FeishuApi, messageId: string, signal: AbortSignal): Promise<string> {
  const items = await itemsOf(api, messageId, signal);
  const lines = items
    .filter((item) => textOf(item["upper_message_id"]) !== "")
    .slice(0, MAX_FORWARDED)
    .map((item) => `- ${wordsOf(item, contentOf(item)).replaceAll("\n", "\n  ")}`);
  return ["[forwarded messages]", ...lines].join("\n");
}

async function itemsOf(api: FeishuApi, messageId: string, signal: AbortSignal): Promise<readonly Fields[]> {
  const answer = await api.call({ method: "GET", path: pathOf`/im/v1/messages/${messageId}` }, signal);
  return objectsOf(fieldsOf(answer)["items"]);
}

function contentOf(item: Fields): Content {
  const content = textOf(fieldsOf(item["body"])["content"]);
  return readContent(textOf(item["msg_type"]), content, textOf(item["message_id"]));
}

function wordsOf(item: Fields, { text, files }: Content): string {
  const said = withNames(text, mentionsOf(item["mentions"]), "");
  const shown = files.map(({ kind, name }) => `[${kind}${name === undefined ? "" : `: ${name}`}]`);
  return [...shown, said].filter((part) => part !== "").join("\n");
}
