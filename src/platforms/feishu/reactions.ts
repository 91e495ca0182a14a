import { setNewest } from "../../lib/newest.ts";
import type { ConnectionHooks, PlatformAdapter, Reaction } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";

/** open.feishu.cn/document/server-docs/im-v1/message-reaction/emojis-introduce */
const EMOJI: Readonly<Record<Reaction, string>> = { seen: "Get", done: "DONE", failed: "CrossMark" };
const PAGE_SIZE = "50";
const MAX_KEPT = 1000;

/** The reaction of ours that a message has. */
interface Shown {
  reaction: Reaction;
  id: string;
}

/**
 * Puts one reaction on a message in place of the one before. Feishu takes them away by an id; that of one from a process before is
 * looked up. `note` is told of what failed and does not matter.
 */
export function createReact(
  api: FeishuApi,
  note: ConnectionHooks["log"],
): NonNullable<PlatformAdapter["react"]> {
  const shown = new Map<string, Shown>();

  async function add(messageId: string, reaction: Reaction, signal: AbortSignal): Promise<Shown> {
    const path = pathOf`/im/v1/messages/${messageId}/reactions`;
    const json = { reaction_type: { emoji_type: EMOJI[reaction] } };
    const answer = fieldsOf(await api.call({ method: "POST", path, json }, signal));
    return { reaction, id: textOf(answer["reaction_id"]) };
  }

  async function take(messageId: string, id: string, signal: AbortSignal): Promise<void> {
    await api.call({ method: "DELETE", path: pathOf`/im/v1/messages/${messageId}/reactions/${id}` }, signal);
  }

  /** The ids of ours that a process before has left. */
  async function left(messageId: string, signal: AbortSignal): Promise<string[]> {
    const path = pathOf`/im/v1/messages/${messageId}/reactions`;
    const query = { page_size: PAGE_SIZE };
    const answer = fieldsOf(await api.call({ method: "GET", path, query }, signal));
    return objectsOf(answer["items"])
      .filter(isOurs)
      .map((item) => textOf(item["reaction_id"]));
  }

  function isOurs({ operator, reaction_type: type }: Fields): boolean {
    const { operator_id: id, operator_type: by } = fieldsOf(operator);
    const emoji = textOf(fieldsOf(type)["emoji_type"]);
    return by === "app" && id === api.appId && Object.values(EMOJI).includes(emoji);
  }

  return async (_address, messageId, reaction, signal) => {
    const before = shown.get(messageId);
    if (reaction !== null && before?.reaction === reaction) return;
    // The first sign on a message has nothing before it.
    const old = before
      ? [before.id]
      : reaction === "seen"
        ? []
        : await left(messageId, signal).catch(unknown);
    if (reaction === null) shown.delete(messageId);
    else setNewest(shown, messageId, await add(messageId, reaction, signal), MAX_KEPT);
    for (const id of old) await take(messageId, id, signal);
  };

  function unknown(error: unknown): string[] {
    note("debug", "nobody told which reactions a message has", { error });
    return [];
  }
}
