import { webhookRequest } from "../../src/http/webhook/call.ts";
import {
  type BotIdentity,
  type ConnectionHooks,
  type InboundEvent,
  type InboundMessage,
  type OutboundMessage,
  type PlatformAdapter,
  PlatformError,
  type WebhookAnswer,
} from "../../src/platforms/contract.ts";

export const never = new AbortController().signal;

/** What the configuration says of every account that says nothing else. */
export const DEFAULTS = {
  enabled: true,
  allowed_users: [] as string[],
  allowed_groups: [] as string[],
  require_mention: true,
  pairing: true,
  streaming: "edit" as const,
  reactions: false,
  chats: {},
};

/** What an adapter has told its hooks. */
export interface Heard {
  hooks: ConnectionHooks;
  /** Events that were offered, taken or not. */
  offered: InboundEvent[];
  /** Events that were taken, as often as they came. */
  events: InboundEvent[];
  /** The messages among them, as often as they came. */
  readonly taken: InboundMessage[];
  /** The same, each once. */
  readonly messages: InboundMessage[];
  /** "connected as ...", or why it is not. */
  states: string[];
  /** As whom it was connected. */
  bots: BotIdentity[];
  /** Why it was not. */
  troubles: string[];
  hints: string[];
  logs: { level: string; message: string; fields: Record<string, unknown> }[];
  /** How often it was alive. */
  signs: number;
  /** What was saved last. */
  saved: unknown;
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
}

/** Hooks that note what they are told. `state`: what the process before has saved; `changed` is told of every note. */
export function createHeard(state: unknown = null, changed: () => void = () => undefined): Heard {
  const heard: Heard = {
    offered: [],
    events: [],
    get taken() {
      return heard.events.filter((event) => event.type === "message");
    },
    get messages() {
      return [...new Map(heard.taken.map((message) => [message.id, message])).values()];
    },
    states: [],
    bots: [],
    troubles: [],
    hints: [],
    logs: [],
    signs: 0,
    saved: state,
    before: () => {},
    hooks: {
      async emit(event) {
        heard.offered.push(event);
        await heard.before(event);
        heard.events.push(event);
        changed();
      },
      connected(bot) {
        heard.bots.push(bot);
        heard.states.push(`connected as ${bot.name} (${bot.id})`);
        changed();
      },
      alive() {
        heard.signs += 1;
        changed();
      },
      reconnecting(reason, hint = "") {
        heard.troubles.push(reason);
        heard.hints.push(hint);
        heard.states.push(reason);
        changed();
      },
      get state() {
        return heard.saved;
      },
      webhookPath: "/webhook/platform",
      async saveState(next) {
        heard.saved = structuredClone(next);
      },
      log(level, message, fields = {}) {
        heard.logs.push({ level, message, fields });
        changed();
      },
    },
  };
  return heard;
}

/** An adapter that listens until the end of the block. */
export interface Listening extends AsyncDisposable {
  adapter: PlatformAdapter;
  /** "stopped", or what it ended with. */
  ended: Promise<unknown>;
  stop(): void;
}

/** Begins to listen. */
export function beginListening<Notes extends Pick<Heard, "hooks">>(
  adapter: PlatformAdapter,
  heard: Notes,
): Notes & Listening {
  const controller = new AbortController();
  if (!adapter.listen) throw new Error("it does not listen");
  const ended = adapter.listen(heard.hooks, controller.signal).then(
    () => "stopped",
    (error: unknown) => error,
  );
  return Object.assign(heard, {
    adapter,
    ended,
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
      await adapter.close?.();
    },
  });
}

/** The webhook of an account, at an address of its own, as the gateway serves it. */
export interface Door extends AsyncDisposable {
  url: string;
  answered: WebhookAnswer[];
}

export function serveWebhook(adapter: PlatformAdapter, { hooks }: Pick<Heard, "hooks">): Door {
  const answered: WebhookAnswer[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const body = new Uint8Array(await request.arrayBuffer());
      const answer = (await adapter.webhook?.(webhookRequest(request, body, Date.now()), hooks)) ?? {
        status: 404,
      };
      answered.push(answer);
      const headers = answer.contentType === undefined ? {} : { "content-type": answer.contentType };
      return new Response(answer.body ?? null, { status: answer.status, headers });
    },
  });
  return { url: server.url.href, answered, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** A message to be sent. */
export function outbound(
  chat: string,
  markdown: string,
  changes: Partial<OutboundMessage> = {},
): OutboundMessage {
  return { address: { chat }, markdown, idempotencyId: `delivery-${crypto.randomUUID()}:0`, ...changes };
}

/** What a call rejected with. */
export async function failureOf(call: Promise<unknown> | undefined): Promise<PlatformError> {
  const error = await Promise.resolve(call).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw new Error(`no PlatformError but ${Bun.inspect(error)}`);
}
