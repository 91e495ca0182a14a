import { dirname } from "node:path";
import type { Account } from "../../src/config/accounts.ts";
import type { Ability, Connection, RemoteAdapter } from "../../src/gateway/contract.ts";
import { createDeliverer, type Deliverer } from "../../src/gateway/deliver/deliver.ts";
import { createFileOpener } from "../../src/gateway/deliver/files.ts";
import { createKeptFiles } from "../../src/gateway/deliver/kept-files.ts";
import { createReceive } from "../../src/gateway/receive/receive.ts";
import type { ModelRouter } from "../../src/models/contract.ts";
import type {
  AccountSettings,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  Platform,
  PlatformLimits,
} from "../../src/platforms/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Tool } from "../../src/tools/contract.ts";
import { liveConfig, openTestAgent, type TestAgent, type TestConfig } from "./agent.ts";
import { quietLog } from "./store.ts";

/** A message that the toy platform shows. */
export interface ShownMessage {
  id: string;
  chat: string;
  text: string;
  isPartial: boolean;
  buttons: string[];
  edits: number;
  replyTo: string | undefined;
  files: string[];
}

/** A platform in memory, whose calls can be made to fail. */
export interface ToyChat {
  connection: Connection;
  /** What a chat shows now, in order. */
  messages(chat?: string): ShownMessage[];
  /** Every call so far, by name. */
  calls: { name: string; message?: OutboundMessage; detail?: unknown }[];
  /** What a call throws, or the next one with this file; it is taken off the list. */
  failures: { name: string; error: Error; file?: string }[];
  /** Resolves once the chat shows a finished message that matches. */
  until(condition: () => boolean): Promise<void>;
}

export const TOY_LIMITS: PlatformLimits = {
  editEveryMs: { direct: 5, group: 5 },
  typingEveryMs: 10,
  pace: {
    direct: { burst: 1_000, perSecond: 1_000 },
    group: { burst: 1_000, perSecond: 1_000 },
    account: { burst: 1_000, perSecond: 1_000 },
  },
  silenceMs: 60_000,
};

const ABILITIES: Ability[] = ["edit", "remove", "typing", "react", "fetchFile"];

/** A connected account of a platform in memory. */
export function toyChat(
  settings: Record<string, unknown> = {},
  { abilities = ABILITIES, maxChars = 200, limits = TOY_LIMITS } = {},
): ToyChat {
  const account: Account = {
    platform: "telegram",
    name: "",
    settings: liveConfig({ platforms: { telegram: { allowed_users: [1], ...settings } } }).current.platforms
      .telegram as AccountSettings,
  };
  const shown: ShownMessage[] = [];
  const calls: ToyChat["calls"] = [];
  const failures: ToyChat["failures"] = [];
  const waiting = new Set<() => void>();
  const note = (name: string, message?: OutboundMessage, detail?: unknown) => {
    calls.push({ name, ...(message ? { message } : {}), detail });
    queueMicrotask(() => {
      for (const look of waiting) look();
    });
    const index = failures.findIndex(
      (one) =>
        one.name === name &&
        (one.file === undefined || message?.files?.some((file) => file.name === one.file)),
    );
    const [failure] = index < 0 ? [] : failures.splice(index, 1);
    if (failure) throw failure.error;
  };
  const adapter: RemoteAdapter = {
    async send(message) {
      note("send", message);
      const known = shown.find((one) => one.id === `m:${message.idempotencyId}`);
      if (known) return { messageId: known.id };
      const { address, markdown, buttons = [], files = [], isPartial = false, replyTo } = message;
      const id = `m:${message.idempotencyId}`;
      shown.push({
        id,
        chat: address.chat,
        text: markdown,
        isPartial,
        buttons: buttons.map((button) => button.value),
        edits: 0,
        replyTo,
        files: files.map((file) => file.name),
      });
      return { messageId: id };
    },
    async edit(sent, message) {
      note("edit", message, sent);
      const found = shown.find((one) => one.id === sent.messageId);
      if (!found) throw new Error("no such message");
      found.text = message.markdown;
      found.isPartial = message.isPartial ?? false;
      found.buttons = (message.buttons ?? []).map((button) => button.value);
      found.edits += 1;
    },
    async draft(message) {
      note("draft", message);
      return true;
    },
    async remove(_address, sent) {
      note("remove", undefined, sent);
      const at = shown.findIndex((one) => one.id === sent.messageId);
      if (at >= 0) shown.splice(at, 1);
    },
    async typing(address) {
      note("typing", undefined, address);
    },
    async react(_address, messageId, reaction) {
      note("react", undefined, { messageId, reaction });
    },
    async fetchFile() {
      throw new Error("this test fetches nothing");
    },
    async registerCommands() {},
    async webhook() {
      return { status: 404 };
    },
  };
  const connection: Connection = {
    account,
    platform: {
      id: "telegram",
      title: "Toy",
      limits,
      receivesBy: () => "connection",
      credential: () => "toy",
      fits: (markdown: string) => markdown.length <= maxChars,
      connect: () => Promise.reject(new Error("the toy is connected")),
    } as unknown as Platform,
    health: {
      platform: "telegram",
      account: "telegram",
      state: "connected",
      sinceMs: 0,
      bot: { id: "99", name: "toybot" },
      lastSuccessMs: null,
      lastEventMs: null,
      reconnects: 0,
      error: null,
    },
    adapter,
    can: (ability) => abilities.includes(ability),
  };
  return {
    connection,
    messages: (chat) => shown.filter((one) => chat === undefined || one.chat === chat),
    calls,
    failures,
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** A gateway without a supervisor: what it receives and sends goes through the toy. */
export interface ToyGateway extends AsyncDisposable {
  readonly chat: ToyChat;
  readonly agent: TestAgent;
  readonly store: Store;
  readonly config: TestConfig;
  readonly deliverer: Deliverer;
  /** What the gateway told its log. */
  readonly lines: readonly string[];
  /** Somebody writes. Resolves once the gateway has it on disk. */
  write(text: string, change?: Partial<InboundMessage>): Promise<void>;
  /** The same for anything that the platform tells. */
  receive(event: InboundEvent): Promise<void>;
}

let written = 0;

/** A message of person 1 in a direct chat. */
export function message(text: string, change: Partial<InboundMessage> = {}): InboundMessage {
  written += 1;
  return {
    type: "message",
    id: `u${written}`,
    address: { chat: "1" },
    scope: "direct",
    sender: { id: "1", name: "Ann" },
    text,
    isForBot: true,
    messageId: `in${written}`,
    ...change,
  };
}

/** Opens a gateway on a store of its own, or on the given one, and makes the toy ready. */
export async function openToyGateway(options: {
  models: ModelRouter;
  chat?: ToyChat;
  store?: Store;
  tools?: Tool[];
  config?: Record<string, unknown>;
}): Promise<ToyGateway> {
  const chat = options.chat ?? toyChat();
  const config = liveConfig(options.config ?? {});
  const agent = await openTestAgent({
    models: options.models,
    config,
    ...(options.store ? { store: options.store } : {}),
    ...(options.tools ? { tools: options.tools } : {}),
  });
  const { store } = agent;
  const lines: string[] = [];
  const log = quietLog(lines);
  const find = (platform: string, account: string) =>
    platform === chat.connection.account.platform && account === "" ? chat.connection : null;
  const openFile = createFileOpener(config, dirname(store.path), agent.tools);
  const deliverer = createDeliverer({
    store,
    agent: agent.agent,
    config,
    log,
    openFile,
    kept: createKeptFiles(dirname(store.path)),
    find,
  });
  const receive = createReceive({
    config,
    store,
    agent: agent.agent,
    models: options.models,
    log,
    deliver: deliverer.deliver,
    canSendFiles: () => true,
  });
  deliverer.ready(chat.connection);
  return {
    chat,
    agent,
    store,
    config,
    deliverer,
    lines,
    receive: (event) => receive(chat.connection, event),
    write: (text, change) => receive(chat.connection, message(text, change)),
    async [Symbol.asyncDispose]() {
      await agent.agent.stop(0);
      await deliverer.stop(Promise.resolve());
      await agent[Symbol.asyncDispose]();
    },
  };
}
