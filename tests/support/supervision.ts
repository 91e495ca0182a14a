import { accountLabel } from "../../src/config/accounts.ts";
import type { AccountHealth, Connection, Supervisor } from "../../src/gateway/contract.ts";
import { createSupervisor, type SupervisorParts } from "../../src/gateway/supervisor.ts";
import type { InboundEvent, OutboundMessage, Sent } from "../../src/platforms/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import { loadToy } from "../fakes/toy/platform.ts";
import { liveConfig, type TestConfig } from "./agent.ts";
import { openTempStore, quietLog } from "./store.ts";

const PATIENCE_MS = 20_000;

/** Toys that fail soon are made anew soon. Nothing is judged by these times; they only keep the tests short. */
const QUICK: NonNullable<SupervisorParts["timings"]> = {
  retryBaseMs: 1,
  retryMaxMs: 4,
  breakerPauseMs: 50,
  conflictPauseMs: 20,
  refusedPauseMs: 20,
  heldPauseMs: 10,
};

export interface ToyOptions extends Partial<Omit<SupervisorParts, "store" | "config">> {
  /** Section `platforms`. */
  platforms?: Record<string, unknown>;
  config?: TestConfig;
  store?: Store;
  /** What receiving an event takes. */
  received?(event: InboundEvent, connection: Connection): Promise<void>;
}

/** A supervisor of toys in real workers, and what it told. */
export interface Toys extends AsyncDisposable {
  supervisor: Supervisor;
  config: TestConfig;
  store: Store;
  /** The texts of the messages that were received. */
  texts: string[];
  /** The labels of the accounts that became ready, in order. */
  ready: string[];
  /** The lines of the log. */
  lines: string[];
  connection(label?: string): Connection;
  health(label?: string): AccountHealth;
  /** Sends a text, which is what the toy does. */
  tell(text: string, label?: string, signal?: AbortSignal): Promise<Sent>;
}

/** A bot of the toy platform that receives as `prompt` says. */
export function toy(prompt = "", more: Record<string, unknown> = {}): Record<string, unknown> {
  return { enabled: true, bot_token: `token of ${crypto.randomUUID()}`, prompt, ...more };
}

/** Starts it, unless `start` says otherwise. It ends together with its store. */
export async function superviseToys({
  platforms = { telegram: toy() },
  ...options
}: ToyOptions = {}): Promise<Toys> {
  const temporary = options.store ? null : await openTempStore();
  const store = options.store ?? (temporary?.store as Store);
  const config = options.config ?? liveConfig({ platforms });
  const told = { texts: [] as string[], ready: [] as string[], lines: [] as string[] };
  const supervisor = createSupervisor({
    holder: "the test",
    log: quietLog(told.lines),
    loadPlatform: loadToy,
    openWorker: () => new Worker(new URL("../fakes/toy/toy.worker.ts", import.meta.url), { smol: true }),
    ...options,
    config,
    store,
    timings: { ...QUICK, ...options.timings },
    listener: {
      async received(connection, event) {
        if (event.type === "message") told.texts.push(event.text);
        await options.received?.(event, connection);
      },
      ready: ({ account }) => void told.ready.push(accountLabel(account)),
    },
  });
  const connection = (label = "telegram") => {
    const [platform = "", name = ""] = label.split(".");
    const found = supervisor.find(platform, name);
    if (!found) throw new Error(`${label} is not there`);
    return found;
  };
  return {
    ...told,
    supervisor,
    config,
    store,
    connection,
    health: (label = "telegram") => {
      const found = supervisor.health().find(({ account }) => account === label);
      if (!found) throw new Error(`${label} is not there`);
      return found;
    },
    tell: (text, label, signal = new AbortController().signal) =>
      connection(label).adapter.send(messageOf(text), signal),
    async [Symbol.asyncDispose]() {
      await supervisor.stop();
      await temporary?.[Symbol.asyncDispose]();
    },
  };
}

/** The same, started and with every account that can be connected. */
export async function startToys(options: ToyOptions = {}): Promise<Toys> {
  const toys = await superviseToys(options);
  await toys.supervisor.start();
  return toys;
}

/** Resolves once the condition holds; rejects with what it was after a while. */
export async function until(condition: () => unknown, patienceMs = PATIENCE_MS): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`it never came to this: ${condition}`);
    await Bun.sleep(5);
  }
}

export function messageOf(markdown: string): OutboundMessage {
  return { address: { chat: "7" }, markdown, idempotencyId: "dlv_1:0" };
}
