import { type InboundMessage, PlatformError } from "../contract.ts";
import { fieldsOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";

const MAX_KEPT = 1000;

type Scope = InboundMessage["scope"];

/** Which chats are groups. */
export interface Chats {
  learn(chat: string, scope: Scope): void;
  known(chat: string): Scope | undefined;
  /** Asks Feishu where it is not known; a chat of which nothing is told counts as a group, in which less is allowed. */
  scopeOf(chat: string, signal: AbortSignal): Promise<Scope>;
}

/** `Chats` for one app. `note` is told of what failed. */
export function createChats(
  api: FeishuApi,
  note: (message: string, fields: Record<string, unknown>) => void,
): Chats {
  const scopes = new Map<string, Scope>();
  const learn = (chat: string, scope: Scope) => {
    scopes.delete(chat);
    scopes.set(chat, scope);
    const [oldest] = scopes.keys();
    if (scopes.size > MAX_KEPT && oldest !== undefined) scopes.delete(oldest);
  };
  return {
    learn,
    known: (chat) => scopes.get(chat),
    async scopeOf(chat, signal) {
      const known = scopes.get(chat);
      if (known !== undefined) return known;
      try {
        const answer = fieldsOf(
          await api.call({ method: "GET", path: pathOf`/im/v1/chats/${chat}` }, signal),
        );
        const scope = answer["chat_mode"] === "p2p" ? "direct" : "group";
        learn(chat, scope);
        return scope;
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        note("nobody told whether a chat is a group", { chat, error });
        return "group";
      }
    },
  };
}
