import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { CallbackQuery, User } from "grammy/types";
import { createAnswering, page, refuse } from "./answer.ts";
import { createChats } from "./chats.ts";
import { type Call, type FakeTelegram, Refusal } from "./contract.ts";
import { answerControl } from "./control.ts";
import { createFailures } from "./failures.ts";
import { messageMethods } from "./messages.ts";
import { botMethods, type StoredFile } from "./methods.ts";
import { createQueue } from "./queue.ts";
import { createWatch } from "./watch.ts";
import { createWebhookCaller } from "./webhook.ts";

const TOKEN = "4242:AAfake-telegram-token-0123456789abcdef";
const BOT: User = { id: 4242, is_bot: true, first_name: "Hermes", username: "hermes_test_bot" };

/** Everything of the fake but its connections. */
type Inside = Omit<FakeTelegram, "url" | "goOffline" | "goOnline" | typeof Symbol.asyncDispose>;

/** Starts Telegram on a port of its own, or on the given one. */
export async function startFakeTelegram(port = 0): Promise<FakeTelegram> {
  const { inside, answering, stop } = createTelegram();
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? "/", "http://fake").pathname;
    const [, root, token, rest = ""] = /^\/(file\/)?bot([^/]+)\/(.+)$/.exec(path) ?? [];
    if (token === undefined && (await answerControl(inside, request, response))) return;
    if (token === undefined || decodeURIComponent(token) !== TOKEN)
      return refuse(response, new Refusal(401, "Unauthorized"));
    if (root === undefined) await answering.call(rest, request, response);
    else answering.download(decodeURI(rest), response);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      console.error(thrown);
      page(response, 500);
    });
  });
  const open = (at: number) => new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await open(port);
  const address = server.address() as AddressInfo;
  return Object.assign(inside, {
    url: `http://127.0.0.1:${address.port}`,
    goOffline: close,
    goOnline: () => open(address.port),
    async [Symbol.asyncDispose]() {
      stop();
      await close();
    },
  });
}

function createTelegram() {
  const watch = createWatch();
  const queue = createQueue(watch.changed);
  const chats = createChats(BOT);
  const webhook = createWebhookCaller(queue);
  const failures = createFailures();
  const files = new Map<string, StoredFile>();
  const presses = new Set<string>();
  const calls: Call[] = [];
  const answering = createAnswering({
    methods: { ...messageMethods(chats, BOT), ...botMethods({ bot: BOT, queue, webhook, files, presses }) },
    files,
    failures,
    record(call) {
      calls.push(call);
      watch.changed();
    },
    answered: watch.changed,
  });

  const inside: Inside = {
    token: TOKEN,
    bot: BOT,
    write(text, writing = {}) {
      const update = chats.write(text, writing);
      return { updateId: inside.inject(update), messageId: update.message.message_id };
    },
    press(messageId, data, { chat, from } = {}) {
      const person: User = { id: 501, is_bot: false, first_name: "Ada", ...from };
      const id = crypto.randomUUID();
      presses.add(id);
      const message = { message_id: messageId, date: 1, chat: chats.know(chat ?? person.id).chat, from: BOT };
      const query = { id, from: person, chat_instance: "1", data, message };
      return inside.inject({ callback_query: query as CallbackQuery });
    },
    inject(update) {
      if (update.message) chats.know(update.message.chat.id);
      const whole = queue.add(update);
      webhook.deliver(whole);
      watch.changed();
      return whole.update_id;
    },
    redeliver(which) {
      for (const update of queue.redeliver(which)) webhook.deliver(update);
    },
    get pending() {
      return queue.pending;
    },
    get isPolled() {
      return queue.isPolled;
    },
    get pollers() {
      return queue.pollers;
    },
    fail: failures.add,
    calls: (method) => calls.filter((call) => method === undefined || call.method === method),
    messages: (chat) => [...(chats.get(chat)?.messages.values() ?? [])],
    drafts: (chat) => chats.get(chat)?.drafts ?? [],
    reaction: (chat, messageId) => chats.get(chat)?.reactions.get(messageId) ?? null,
    until: watch.until,
    chat(id, traits) {
      chats.know(id, traits);
    },
    addFile(bytes, { path, sizeBytes = bytes.length } = {}) {
      const id = `FILE${files.size + 1}`;
      files.set(id, { bytes, path: path ?? `documents/file_${files.size + 1}.bin`, sizeBytes });
      return id;
    },
  };
  return { inside, answering, stop: webhook.stop };
}
