import { type Account, accountLabel } from "../../config/accounts.ts";
import { toAppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { orAborted, sleep, within } from "../../lib/waiting.ts";
import { type Platform, PlatformError } from "../../platforms/contract.ts";
import type { AccountStore } from "../../store/contract.ts";
import type { Ability, AccountHealth, Connection, ConnectionListener } from "../contract.ts";
import type { HealthRecord } from "./account-health.ts";
import { remoteAdapter } from "./remote-adapter.ts";
import { createRestarts } from "./restarts.ts";
import type { SupervisionTimings } from "./timings.ts";
import type { WorkerEnd } from "./worker-link.ts";
import { openSession, type WorkerSession } from "./worker-session.ts";

/** A connection as its supervisor has it. */
export interface OwnConnection extends Connection {
  /** Makes this process the only one for the bot. Null once it is, otherwise who has it. */
  hold(): Promise<string | null>;
  /** Keeps a worker alive from now on. */
  begin(): void;
  /** Receives nothing more; calls still work. */
  stopReceiving(): Promise<void>;
  /** Has the worker, if there is one, give back the memory that it does not need. */
  shrink(): void;
  /** Ends the worker and lets go of the bot. */
  stop(): Promise<void>;
}

/** What a connection works with. */
export interface ConnectionParts {
  account: Account;
  platform: Platform;
  /** Stands for the bot among processes; no secret. */
  credentialHash: string;
  /** Where its webhook answers. */
  webhookPath: string;
  /** How others are told of this process. */
  holder: string;
  store: AccountStore;
  health: HealthRecord;
  log: Log;
  listener: ConnectionListener;
  openWorker(): Worker;
  timings: SupervisionTimings;
  /** False: it only sends. Default: true. */
  receives?: boolean;
}

/** An account with a worker of its own, which is made anew for as long as the account is to be connected. */
export function openConnection(parts: ConnectionParts): OwnConnection {
  const { account, platform, store, health, listener, timings } = parts;
  const label = accountLabel(account);
  const log = parts.log.with({ account: label });
  const restarts = createRestarts(timings);
  const stopping = new AbortController();
  const abilities = new Set<Ability>();
  let receives = parts.receives ?? true;
  let held: { release: () => void } | null = null;
  let session: WorkerSession | null = null;
  let life: Promise<void> | null = null;

  async function live(): Promise<void> {
    await untilHeld();
    if (held) health.enter("starting");
    while (!stopping.signal.aborted) {
      const end = await serve();
      if (end.type === "stopped") break;
      const connectedMs = session?.connectedMs ?? 0;
      const pauseMs = restarts.pauseAfter(end, connectedMs);
      if (connectedMs > 0) health.restarted();
      tell(end);
      await sleep(pauseMs, stopping.signal);
      await retire();
    }
    await retire();
  }

  async function untilHeld(): Promise<void> {
    while (!held && !stopping.signal.aborted) {
      try {
        const heldBy = await hold();
        if (heldBy === null) return;
        health.enter("waiting", { message: heldElsewhere(label, heldBy) });
      } catch (error) {
        log.debug("the account could not be held", { error });
        health.enter("waiting", toAppError(error));
      }
      await sleep(timings.heldPauseMs, stopping.signal);
    }
  }

  async function hold(): Promise<string | null> {
    if (held) return null;
    const taken = await store.hold(parts.credentialHash, parts.holder);
    if ("heldBy" in taken) return taken.heldBy;
    held = taken;
    health.claim();
    return null;
  }

  /** One worker, until it is of no use any more. After a failure it is still there, for what it can still send. */
  async function serve(): Promise<WorkerEnd> {
    try {
      const record = await store.get(account.platform, account.name);
      session = openSession({
        ...parts,
        log,
        state: record?.state ?? null,
        worker: parts.openWorker(),
        receives: () => receives,
        received(event) {
          health.heard();
          return listener.received(connection, event);
        },
        saveState: (state) => store.saveState(account.platform, account.name, state),
        onReady(told) {
          for (const ability of told) abilities.add(ability);
          listener.ready(connection);
        },
      });
      return await orAborted(session.over, stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return { type: "stopped" };
      log.warn("the worker could not be started", { error });
      return { type: "failed", failure: { kind: "unavailable", message: toAppError(error).message } };
    }
  }

  function tell(end: WorkerEnd): void {
    if (end.type === "failed") {
      health.enter(end.failure.kind === "unauthorized" ? "refused" : "waiting", end.failure);
    } else if (end.type === "crashed") {
      const hint = restarts.isBroken
        ? { hint: "It failed often: the next try comes after some minutes." }
        : {};
      health.enter("waiting", { message: end.reason, ...hint }, { detail: end.detail });
    }
  }

  /** A thread that is busy in a single step, such as a regular expression, cannot be ended: it has to be waited for. */
  async function retire(): Promise<void> {
    if (!session) return;
    const { gone, end } = session;
    session = null;
    await end();
    const { aborted } = stopping.signal;
    if (await within(gone, aborted ? timings.endMs : timings.goneMs)) return;
    log.warn("a worker could not be ended");
    if (aborted) return;
    health.enter("refused", STUCK);
    await orAborted(gone, stopping.signal).catch(() => log.debug("stopped while a worker was stuck"));
  }

  const connection: OwnConnection = {
    account,
    platform,
    get health(): AccountHealth {
      const { current } = health;
      if (current.state !== "connected" || !session?.isSilent) return current;
      return { ...current, state: "reconnecting", error: { message: "Nothing is heard of it." } };
    },
    adapter: remoteAdapter(async (...call) => {
      if (!session?.isReady) throw new PlatformError("unavailable", `${label} is not connected.`);
      return await session.call(...call);
    }),
    can: (ability) => abilities.has(ability),
    hold,
    begin() {
      life = live();
    },
    async stopReceiving() {
      receives = false;
      await session?.stopReceiving();
    },
    shrink: () => session?.shrink(),
    async stop() {
      stopping.abort();
      await life;
      if (life) health.enter("stopped");
      await health.saved(); // before the next process has it
      held?.release();
      held = null;
    },
  };
  return connection;
}

/** Why an account is not connected that another process holds. */
export const heldElsewhere = (label: string, heldBy: string) =>
  `${label} is connected by another Hermes already: ${heldBy}.`;

const STUCK = {
  message: "Its worker is stuck and cannot be ended; a new one is opened when it is gone.",
  hint: "Restart Hermes to connect it at once.",
};
