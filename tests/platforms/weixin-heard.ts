import { webhookRequest } from "../../src/http/webhook/call.ts";
import type {
  ConnectionHooks,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../src/platforms/contract.ts";
import { PlatformError } from "../../src/platforms/contract.ts";

export const never = new AbortController().signal;

/** What an adapter has told its hooks. */
export interface Heard {
  hooks: ConnectionHooks;
  /** Messages that were taken, each once however often it was emitted. */
  messages: InboundMessage[];
  /** All that was emitted. */
  emitted: InboundEvent[];
  /** "connected as ...", or why it is not. */
  states: string[];
  logs: { level: string; message: string; fields: Record<string, unknown> }[];
  /** How often it was alive. */
  signs: number;
  /** What was saved last. */
  saved: unknown;
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
}

/** Hooks that note what they are told. `state`: what the process before has saved. */
export function createHeard(state: unknown = null): Heard {
  const heard: Heard = {
    messages: [],
    emitted: [],
    states: [],
    logs: [],
    signs: 0,
    saved: state,
    before: () => {},
    hooks: {
      async emit(event) {
        heard.emitted.push(event);
        await heard.before(event);
        if (event.type === "message" && !heard.messages.some(({ id }) => id === event.id))
          heard.messages.push(event);
      },
      connected: ({ id, name }) => void heard.states.push(`connected as ${name} (${id})`),
      alive() {
        heard.signs += 1;
      },
      reconnecting: (reason) => void heard.states.push(reason),
      get state() {
        return heard.saved;
      },
      webhookPath: "/webhook/weixin",
      async saveState(next) {
        heard.saved = structuredClone(next);
      },
      log: (level, message, fields = {}) => void heard.logs.push({ level, message, fields }),
    },
  };
  return heard;
}

/** A webhook at an address of its own, as the gateway serves it. */
export function serveWebhook(adapter: PlatformAdapter, heard: Heard): { url: string; stop(): Promise<void> } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const body = new Uint8Array(await request.arrayBuffer());
      const answer = await adapter.webhook?.(webhookRequest(request, body, Date.now()), heard.hooks);
      const headers = answer?.contentType === undefined ? {} : { "content-type": answer.contentType };
      return new Response(answer?.body ?? null, { status: answer?.status ?? 500, headers });
    },
  });
  return { url: server.url.href, stop: () => server.stop(true) };
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
export async function failureOf(call: Promise<unknown>): Promise<PlatformError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw new Error(`no PlatformError but ${Bun.inspect(error)}`);
}
