import {
  type AccountSettings,
  type ConnectionHooks,
  type InboundMessage,
  type Platform,
  type PlatformAdapter,
  PlatformError,
  type PlatformErrorKind,
  type PlatformId,
} from "../../../src/platforms/contract.ts";

const ALIVE_EVERY_MS = 20;
const KINDS: readonly string[] = [
  "rate_limited",
  "unavailable",
  "refused",
  "moved",
  "unauthorized",
  "conflict",
] satisfies PlatformErrorKind[];

/**
 * A platform without a network, for the ways in which adapters fail; it stands in for every platform but Feishu. `prompt` of the
 * settings says how an account receives (`receive` below), the text of a message what sending it does (`obey`).
 */
export async function loadToy(id: PlatformId): Promise<Platform | null> {
  if (id === "feishu") return null;
  const rate = { burst: 1, perSecond: 1 };
  return {
    id,
    title: "Toy",
    limits: {
      editEveryMs: { direct: 1, group: 1 },
      typingEveryMs: 1,
      pace: { direct: rate, group: rate, account: rate },
      silenceMs: 60_000,
    },
    receivesBy: ({ prompt }) => (prompt === "webhook" ? "webhook" : "connection"),
    credential: (settings) => String((settings as { bot_token?: string }).bot_token),
    fits: () => true,
    connect: async (settings) => {
      if (settings.prompt === "asleep") await new Promise(() => undefined);
      return connect(settings);
    },
  };
}

function connect({ prompt = "" }: AccountSettings): PlatformAdapter {
  if (prompt === "unready") throw new PlatformError("unauthorized", "The toy does not know this token.");
  let hooks: ConnectionHooks | null = null;
  const adapter: PlatformAdapter = {
    send: async ({ markdown }, signal) => ({ messageId: await obey(markdown, hooks, signal) }),
    edit: async () => undefined,
    async webhook({ body }, given) {
      await given.emit(eventOf(new TextDecoder().decode(body)));
      return { status: 200, body: `${body.length} bytes` };
    },
    fetchFile: async ({ ref }) => ({
      bytes: new Uint8Array(1_000_000).fill(7),
      mediaType: "image/png",
      name: ref,
    }),
  };
  if (prompt === "webhook") return adapter;
  return {
    ...adapter,
    async listen(given, signal) {
      hooks = given;
      await receive(prompt, given, signal);
    },
  };
}

/**
 * The kind of a `PlatformError`: receiving rejects with it. `deaf`: it ends by itself. `crash:N`: the first N workers crash.
 * `silent`: it gives no sign of life after the first. Anything else: it is connected.
 */
async function receive(prompt: string, hooks: ConnectionHooks, signal: AbortSignal): Promise<void> {
  if (KINDS.includes(prompt)) throw refusal(prompt);
  const crashes = numberIn(prompt, "crash");
  const { starts = 0 } = (hooks.state ?? {}) as { starts?: number };
  if (starts < crashes) {
    hooks.saveState({ starts: starts + 1 });
    await hooks.emit(eventOf(`start ${starts + 1}`));
    throwUncaught();
    return untilAborted(signal);
  }
  hooks.connected({ id: "1", name: "@toy_bot" });
  if (prompt === "deaf") return;
  const timer = setInterval(hooks.alive, ALIVE_EVERY_MS);
  if (prompt === "silent") clearInterval(timer);
  await untilAborted(signal);
  clearInterval(timer);
}

/** Does what the text says, and returns what there is to tell about it; any other text comes back as it is. */
async function obey(text: string, hooks: ConnectionHooks | null, signal: AbortSignal): Promise<string> {
  if (KINDS.includes(text)) throw refusal(text);
  const times = {
    emit: numberIn(text, "emit"),
    chatter: numberIn(text, "chatter"),
    flap: numberIn(text, "flap"),
  };
  if (times.emit > 0 && hooks) return emitMany(times.emit, hooks);
  for (let i = 0; i < times.chatter; i++) hooks?.log("info", `line ${i}`, { error: new Error("boom"), i });
  for (let i = 0; i < times.flap; i++) {
    hooks?.reconnecting("the wind");
    hooks?.connected({ id: "1", name: "@toy_bot" });
  }
  if (text === "adrift") hooks?.reconnecting("the calm", "Wait for the wind.");
  await (WAYS_TO_FAIL[text] ?? (() => undefined))(signal);
  if (text === "webhook path") return hooks?.webhookPath ?? "";
  return text === "state" ? JSON.stringify(hooks?.state) : text;
}

const WAYS_TO_FAIL: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  crash: async (signal) => {
    throwUncaught();
    await untilAborted(signal);
  },
  reject: async (signal) => {
    void Promise.reject(new TypeError("token 123:secret"));
    await untilAborted(signal);
  },
  exit: () => process.exit(0),
  hang: () => {
    for (;;);
  },
  /** A single step of the engine, like a long regular expression. */
  stick: () => Bun.sleepSync(2_500),
  slow: async (signal) => {
    await untilAborted(signal);
    throw new PlatformError("unavailable", "The toy was told to stop.");
  },
  bug: () => {
    throw new TypeError("token 123:secret");
  },
};

/** All in one tick, together with a state. */
async function emitMany(count: number, hooks: ConnectionHooks): Promise<string> {
  hooks.saveState({ emitted: count });
  const emitted = Array.from({ length: count }, (_, i) => hooks.emit(eventOf(`event ${i}`)));
  const settled = await Promise.allSettled(emitted);
  return `${settled.filter(({ status }) => status === "fulfilled").length} taken`;
}

function eventOf(text: string): InboundMessage {
  const sender = { id: "7", name: "Ann" };
  return { type: "message", id: text, address: { chat: "7" }, scope: "direct", sender, text, isForBot: true };
}

const refusal = (kind: string) =>
  new PlatformError(kind as PlatformErrorKind, `The toy says: ${kind}.`, {
    hint: "Play another game.",
    retryAfterMs: 1,
    movedTo: "8",
  });

function numberIn(text: string, name: string): number {
  return text.startsWith(`${name}:`) ? Number(text.slice(name.length + 1)) : 0;
}

function throwUncaught(): void {
  setTimeout(() => {
    throw new TypeError("token 123:secret");
  }, 0);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
