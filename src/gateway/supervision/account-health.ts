import { type Account, accountLabel } from "../../config/accounts.ts";
import type { Log } from "../../lib/log.ts";
import type { AccountStore } from "../../store/contract.ts";
import type { AccountHealth, AccountState } from "../contract.ts";
import type { ConnectionStatus } from "../protocol.ts";
import { type Aside, createTeller } from "./account-log.ts";
import type { SupervisionTimings } from "./timings.ts";

/** How an account is: kept for whoever asks, written to disk for other processes, told to the log. */
export interface HealthRecord {
  readonly current: AccountHealth;
  /** From now on it is this process that says on disk how the account is. */
  claim(): void;
  /** `trouble`: why it is not connected. `aside`: for the log alone. */
  enter(state: AccountState, trouble?: { message: string; hint?: string | undefined }, aside?: Aside): void;
  /** What the adapter told of its connection. */
  follow(status: ConnectionStatus): void;
  /** Somebody wrote. */
  heard(): void;
  /** The worker is made anew: what its adapter counted so far is kept. */
  restarted(): void;
  /** Resolves once the last change is on disk, or could not be written. */
  saved(): Promise<void>;
}

/** What a health record works with. */
export interface HealthParts {
  account: Account;
  store: Pick<AccountStore, "saveHealth">;
  log: Log;
  timings: SupervisionTimings;
}

/** Begins with `starting`. */
export function createHealth({ account, store, log: rootLog, timings }: HealthParts): HealthRecord {
  const label = accountLabel(account);
  const log = rootLog.with({ account: label });
  const tell = createTeller(log, timings.repeatLogMs);
  let reconnectsBefore = 0;
  let current: AccountHealth = {
    platform: account.platform,
    account: label,
    state: "starting",
    sinceMs: Date.now(),
    bot: null,
    lastSuccessMs: null,
    lastEventMs: null,
    reconnects: 0,
    error: null,
  };
  const save = createSaver(() => store.saveHealth(account.platform, account.name, current), log);
  let savedAtMs = Number.NEGATIVE_INFINITY;
  let isOwn = false;

  function change(next: Partial<AccountHealth>, aside: Aside = {}): void {
    const before = current;
    const isNewState = next.state !== undefined && next.state !== before.state;
    current = { ...before, ...next, sinceMs: isNewState ? Date.now() : before.sinceMs };
    const isChange = isNewState || current.error?.message !== before.error?.message;
    if (isChange) tell(current, aside);
    if (!isOwn) return;
    if (!isChange && performance.now() - savedAtMs < timings.saveHealthEveryMs) return;
    savedAtMs = performance.now();
    save.soon();
  }

  return {
    get current() {
      return current;
    },
    claim() {
      isOwn = true;
      save.soon();
    },
    enter(state, trouble, aside) {
      const { message, hint } = trouble ?? {};
      const error = message === undefined ? null : { message, ...(hint === undefined ? {} : { hint }) };
      change({ state, error }, aside);
    },
    follow({ state, bot, reason, hint, reconnects, aliveAtMs }) {
      const heard = {
        bot: bot ?? current.bot,
        lastSuccessMs: aliveAtMs ?? current.lastSuccessMs,
        reconnects: reconnectsBefore + reconnects,
      };
      if (state === "connected") change({ ...heard, state, error: null });
      else if (state === "reconnecting")
        change({
          ...heard,
          state,
          error: { message: reason ?? "The connection broke.", ...(hint === null ? {} : { hint }) },
        });
      else change(heard);
    },
    heard: () => change({ lastEventMs: Date.now() }),
    restarted() {
      reconnectsBefore = current.reconnects + 1;
      change({ reconnects: reconnectsBefore });
    },
    saved: save.idle,
  };
}

/** Writes one after another: what changes meanwhile is written once. */
function createSaver(write: () => Promise<void>, log: Log): { soon(): void; idle(): Promise<void> } {
  let running: Promise<void> | null = null;
  let isDue = false;
  async function run(): Promise<void> {
    while (isDue) {
      isDue = false;
      try {
        await write();
      } catch (error) {
        log.debug("the state of an account could not be written", { error });
      }
    }
    running = null;
  }
  return {
    soon() {
      isDue = true;
      running ??= run();
    },
    idle: async () => {
      await running;
    },
  };
}
