import { webhookPath } from "../config/accounts.ts";
import type { LiveConfig } from "../config/live.ts";
import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Platform, PlatformId } from "../platforms/contract.ts";
import { loadPlatform as loadFromRegistry } from "../platforms/registry.ts";
import type { Store } from "../store/contract.ts";
import type { ConnectionListener, Supervisor } from "./contract.ts";
import { createHealth, type HealthRecord } from "./supervision/account-health.ts";
import { type PlannedAccount, planAccounts } from "./supervision/account-plan.ts";
import { heldElsewhere, type OwnConnection, openConnection } from "./supervision/connection.ts";
import { type SupervisionTimings, TIMINGS } from "./supervision/timings.ts";

/** What a supervisor works with. */
export interface SupervisorParts {
  config: LiveConfig;
  store: Pick<Store, "accounts">;
  log: Log;
  listener: ConnectionListener;
  /**
   * Names of platforms and accounts, of which each must be had at the start; empty: all that are enabled, of which one must be
   * had; absent: all that are enabled and can be had, if any.
   */
  only?: readonly string[];
  /** How other processes are told of this one. */
  holder: string;
  /** False: the accounts only send. Default: true. */
  receives?: boolean;
  /** Null for a platform that this version does not connect. Default: what the registry has. */
  loadPlatform?(id: PlatformId): Promise<Platform | null>;
  /** Opens the worker of an account. Default: `platform.worker.ts`. */
  openWorker?(): Worker;
  timings?: Partial<SupervisionTimings>;
}

/** An account that is to be connected. */
interface Supervised {
  planned: PlannedAccount;
  health: HealthRecord;
  /** Null for one that cannot be connected. */
  connection: OwnConnection | null;
}

/** Connects every enabled account, each in a worker of its own, and follows the configuration. Nothing happens before `start`. */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const { config, log, loadPlatform = loadFromRegistry, openWorker = openPlatformWorker } = parts;
  const store = parts.store.accounts;
  const timings = { ...TIMINGS, ...parts.timings };
  let all: readonly Supervised[] = [];
  /** What is being done about the accounts: one thing after another. */
  let work: Promise<void> = Promise.resolve();
  let unfollow = () => {};
  let isStopping = false;

  function supervise(planned: PlannedAccount): Supervised {
    const { account, way } = planned;
    const health = createHealth({ account, store, log, timings });
    const connection =
      "platform" in way
        ? openConnection({
            ...parts,
            ...way,
            account,
            webhookPath: webhookPath(config.current, account),
            store,
            health,
            openWorker,
            timings,
          })
        : null;
    return { planned, health, connection };
  }

  async function begin(): Promise<void> {
    all = (await planAccounts({ ...parts, config: config.current, loadPlatform })).map(supervise);
    try {
      await holdAll();
    } catch (error) {
      await endAll(all);
      throw error;
    }
    for (const supervised of all) run(supervised);
    unfollow = config.onChange((changed) => {
      if (isStopping) return;
      work = work
        .then(() => follow(changed))
        .catch((error: unknown) => log.error("the accounts do not follow the configuration", { error }));
    });
  }

  /** Takes every account that is free. Rejects when too few of those that were asked for can be had. */
  async function holdAll(): Promise<void> {
    const tries = await Promise.allSettled(all.map(hold));
    const problems = tries.flatMap((one) => (one.status === "rejected" ? [one.reason] : (one.value ?? [])));
    const needed = parts.only === undefined ? 0 : parts.only.length === 0 ? 1 : Math.max(all.length, 1);
    if (all.length - problems.length >= needed) return;
    throw problems.find(({ code }) => code === "conflict") ?? problems[0] ?? noAccount();
  }

  /** Why the account cannot be had now; null when it is this process's own. */
  async function hold({ planned: { label, way }, connection }: Supervised): Promise<AppError | null> {
    if ("message" in way) return new AppError("config_invalid", way.message, way);
    const heldBy = (await connection?.hold()) ?? null;
    if (heldBy === null) return null;
    return new AppError("conflict", heldElsewhere(label, heldBy), { hint: STOP_IT });
  }

  function run({ planned: { way }, health, connection }: Supervised): void {
    connection?.begin();
    if (!("message" in way)) return;
    health.claim();
    health.enter("refused", way, way);
  }

  /** Accounts that are as they were are left alone. */
  async function follow(changed: Config): Promise<void> {
    const planned = await planAccounts({ ...parts, config: changed, loadPlatform });
    const keptFor = (plan: PlannedAccount) => all.find((supervised) => isSame(supervised.planned, plan));
    const kept = new Set(planned.map(keptFor));
    await endAll(all.filter((supervised) => !kept.has(supervised)));
    all = planned.map((plan) => keptFor(plan) ?? supervise(plan));
    for (const supervised of all) if (!kept.has(supervised)) run(supervised);
  }

  /** No change of the configuration is followed any more. */
  async function freeze(): Promise<void> {
    isStopping = true;
    await work.catch((error: unknown) => log.debug("stopped without a start", { error }));
    unfollow();
  }

  const connections = () => all.flatMap(({ connection }) => connection ?? []);

  return {
    start() {
      work = begin();
      return work;
    },
    connections,
    find: (platform, name) =>
      connections().find(({ account }) => account.platform === platform && account.name === name) ?? null,
    health: () => all.map(({ connection, health }) => connection?.health ?? health.current),
    async stopReceiving() {
      await freeze();
      await Promise.all(connections().map((connection) => connection.stopReceiving()));
    },
    shrink() {
      for (const connection of connections()) connection.shrink();
    },
    async stop() {
      await freeze();
      await endAll(all);
    },
  };
}

/** The build puts every file side by side, so that the worker is found here in the executable, too. */
function openPlatformWorker(): Worker {
  return new Worker(new URL("./platform.worker.ts", import.meta.url), { smol: true });
}

async function endAll(supervised: readonly Supervised[]): Promise<void> {
  await Promise.all(supervised.map(({ connection }) => connection?.stop()));
}

/** True when nothing is left to do between the two plans. */
function isSame(before: PlannedAccount, after: PlannedAccount): boolean {
  if (before.label !== after.label || !Bun.deepEquals(before.account.settings, after.account.settings))
    return false;
  return "message" in before.way
    ? "message" in after.way && before.way.message === after.way.message
    : "credentialHash" in after.way && before.way.credentialHash === after.way.credentialHash;
}

const noAccount = () => new AppError("config_invalid", "There is no account to be connected.");

const STOP_IT = "Stop that one, or leave this account to it.";
