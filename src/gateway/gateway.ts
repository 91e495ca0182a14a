import type { Agent } from "../agent/contract.ts";
import { type Account, accountLabel } from "../config/accounts.ts";
import type { LiveConfig } from "../config/live.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { sleep } from "../lib/waiting.ts";
import type { ModelRouter } from "../models/contract.ts";
import { type FetchedFile, type InboundFile, PlatformError } from "../platforms/contract.ts";
import type { Store } from "../store/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { Connection, Gateway, GatewayWebhook } from "./contract.ts";
import { createDeliverer } from "./deliver/deliver.ts";
import { createFileOpener, mayRead } from "./deliver/files.ts";
import { createKeptFiles } from "./deliver/kept-files.ts";
import { MENU } from "./receive/commands.ts";
import { createReceive } from "./receive/receive.ts";
import { createSupervisor } from "./supervisor.ts";

/** What the gateway is made from. */
export interface GatewayParts {
  config: LiveConfig;
  store: Store;
  agent: Agent;
  tools: ToolRegistry;
  models: ModelRouter;
  /** Hermes's home. */
  home: string;
  log: Log;
  /** As `SupervisorParts.only`. */
  only?: readonly string[];
  /** How other processes are told of this one. */
  holder: string;
}

const FETCH_PATIENCE_MS = 15_000;
const FETCH_LOOK_MS = 100;
/** Of the platforms that wait for an answer, none waits for less than three seconds. */
const CALL_PATIENCE_MS = 2_000;
const CALL_LOOK_MS = 20;
/** How often the files of deliveries that nobody can retry any more are looked for. */
const SWEEP_MS = 3_600_000;

/** Joins what receives, what answers and what keeps the connections alive. Nothing is connected before `start`. */
export function createGateway(parts: GatewayParts): Gateway {
  const { config, store, tools, home, log } = parts;
  const registered = new WeakSet<Connection>();
  const openFile = createFileOpener(config, home, tools);
  const kept = createKeptFiles(home);
  const deliverer = createDeliverer({
    ...parts,
    openFile,
    kept,
    find: (...account) => supervisor.find(...account),
  });
  let sweeping: Timer | undefined;
  const sweep = () => {
    const isOpen = async (id: string) => {
      const delivery = await store.deliveries.get(id);
      return delivery && delivery.status !== "sent";
    };
    kept.sweep(isOpen).catch((error: unknown) => log.debug("old files could not be removed", { error }));
  };
  const receive = createReceive({
    ...parts,
    deliver: deliverer.deliver,
    canSendFiles: (_account: Account, { caller }) => mayRead(tools, caller),
  });
  const supervisor = createSupervisor({
    ...parts,
    listener: {
      received: receive,
      ready(connection) {
        deliverer.ready(connection);
        if (registered.has(connection)) return; // a worker that was made anew
        registered.add(connection);
        registerCommands(connection, log);
      },
    },
  });

  return {
    async start() {
      await supervisor.start();
      sweep();
      sweeping = setInterval(sweep, SWEEP_MS);
      sweeping.unref();
    },
    async stop(turnsEnded) {
      clearInterval(sweeping);
      await supervisor.stopReceiving();
      await deliverer.stop(turnsEnded);
      await supervisor.stop();
    },
    health: () => supervisor.health(),
    shrink: () => supervisor.shrink(),
    webhook(platform, account) {
      const connection = supervisor.find(platform, account);
      return connection?.platform.receivesBy(connection.account.settings) === "webhook"
        ? webhookOf(connection)
        : null;
    },
    async fetchFile({ platform, account, ...file }, signal) {
      const connection = supervisor.find(platform, account);
      if (connection === null || !(await canFetch(connection, signal)))
        throw new AppError(
          "attachment_refused",
          "The file cannot be fetched: its platform is not connected here.",
        );
      return fetchFrom(connection, file, config.current.gateway.max_file_bytes, signal);
    },
  };
}

function webhookOf(connection: Connection): GatewayWebhook {
  const { platform, account, adapter } = connection;
  const { webhooksInFlight: maxInFlight } = platform.limits;
  return {
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    admits: (headers) => platform.admits?.(headers, account.settings) ?? true,
    async answer(request) {
      if (!(await canAnswer(connection)))
        throw new AppError("not_ready", "This account is not connected yet.", { retryAfterMs: 2_000 });
      try {
        return await adapter.webhook(request);
      } catch (cause) {
        throw new AppError("not_ready", "The message could not be taken at this moment.", {
          retryAfterMs: 2_000,
          cause,
        });
      }
    },
  };
}

/** A call may come before the account is ready. Some platforms would call again too soon, or never. */
async function canAnswer(connection: Connection): Promise<boolean> {
  const patience = AbortSignal.timeout(CALL_PATIENCE_MS);
  const isStarting = () => !connection.can("webhook") && connection.health.state === "starting";
  while (isStarting() && !patience.aborted) await sleep(CALL_LOOK_MS, patience);
  return connection.can("webhook");
}

/** A turn that goes on after a restart may want its files before the account is connected again. */
async function canFetch(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const sinceMs = performance.now();
  while (!connection.can("fetchFile") && performance.now() - sinceMs < FETCH_PATIENCE_MS && !signal.aborted)
    await sleep(FETCH_LOOK_MS, signal);
  return connection.can("fetchFile");
}

async function fetchFrom(
  connection: Connection,
  file: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  try {
    return await connection.adapter.fetchFile(file, maxBytes, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const why = cause instanceof PlatformError ? cause.message : "It could not be fetched.";
    throw new AppError("attachment_refused", why, { cause });
  }
}

/** Makes the commands known to the platform. Without them the commands work as text, so that a failure is only told. */
function registerCommands(connection: Connection, log: Log): void {
  if (!connection.can("registerCommands")) return;
  connection.adapter
    .registerCommands(MENU, AbortSignal.timeout(60_000))
    .catch((error: unknown) =>
      log.warn("the commands could not be registered", { account: accountLabel(connection.account), error }),
    );
}
