import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import type { ChatServer, SendFailure, ServerOptions } from "../server.ts";

const GROUP = -1_000_000_000_001;
const SECRET = "the-secret-token-of-the-webhook";

/** Telegram, by long poll or by calls, which it makes for as long as it takes. */
export async function startTelegram({ calls = false }: ServerOptions = {}): Promise<ChatServer> {
  const fake = await startFakeTelegram();
  fake.chat(GROUP, { title: "Group" });
  const personId = (person: number) => 1_000 + person;
  const chatOf = (where: number | "group") => (where === "group" ? GROUP : personId(where));
  const count = (method: string) => fake.calls(method).length;
  return {
    platform: "telegram",
    settings: {
      bot_token: fake.token,
      api_base: fake.url,
      ...(calls ? { mode: "webhook", secret_token: SECRET } : { polling_timeout: 2 }),
    },
    personId,
    groupId: String(GROUP),
    write(person, text, { group = false, mention = true } = {}) {
      const from = { id: personId(person), first_name: `Person ${person}` };
      const said = group && mention ? `@${fake.bot.username} ${text}` : text;
      const { updateId } = fake.write(said, { from, ...(group ? { chat: GROUP } : {}) });
      return {
        redeliver: () => fake.redeliver([updateId]),
        fate: () => (fake.pending.some(({ update_id: id }) => id === updateId) ? "open" : "taken"),
      };
    },
    shown: (where) => fake.messages(chatOf(where)).map((message) => message.text),
    get edits() {
      return count("editMessageText");
    },
    get typings() {
      return count("sendChatAction");
    },
    failSends: (failure, times = 1) => fake.fail("sendMessage", toFailure(failure, times)),
    failEdits: (failure, times = 1) => fake.fail("editMessageText", toFailure(failure, times)),
    failOptionalCalls() {
      for (const method of ["sendChatAction", "setMessageReaction", "setMyCommands"])
        fake.fail(method, { errorCode: 400, description: "Bad Request: not here", times: 1_000_000 });
    },
    sendTo(url) {
      void fetch(`${fake.url}/bot${fake.token}/setWebhook`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ url, secret_token: SECRET }),
      });
    },
    drop: () => fake.fail("getUpdates", { drop: "before" }),
    refuseConnections(ms) {
      void fake.goOffline().then(() => setTimeout(() => void fake.goOnline(), ms));
    },
    get connections() {
      return fake.isPolled ? 1 : 0; // a second one would get 409
    },
    revoke: () => fake.fail("*", { errorCode: 401, description: "Unauthorized", times: 1_000_000 }),
    isIdempotent: false,
    length: (text) => text.length,
    maxLength: 4_096,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toFailure(failure: SendFailure, times: number) {
  if (failure.kind === "rate_limited")
    return { errorCode: 429, retryAfter: Math.ceil(failure.retryAfterMs / 1000), times };
  if (failure.kind === "unavailable") return { status: 502, times };
  return { errorCode: 403, description: "Forbidden: bot was blocked by the user", times };
}
