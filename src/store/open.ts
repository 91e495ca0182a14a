import type { Log } from "../lib/log.ts";
import { createAccountStore } from "./accounts.ts";
import { createApprovalStore } from "./approvals.ts";
import { createChatStore } from "./chats.ts";
import type { Store } from "./contract.ts";
import { createDeliveryStore } from "./deliveries.ts";
import { isBusy, toStoreError } from "./faults.ts";
import { createHolds } from "./holds.ts";
import { createInboxStore } from "./inbox.ts";
import { type Instances, joinInstances } from "./instances.ts";
import { createLifeline, type Lifeline } from "./lifeline.ts";
import { createMemoryStore } from "./memory.ts";
import { migrate } from "./migrate.ts";
import { createPairingStore } from "./pairings.ts";
import { createRunStore } from "./runs.ts";
import { createSessionStore } from "./sessions.ts";
import { createTodoStore } from "./todos.ts";
import { createUpkeep } from "./upkeep.ts";
import { createWebhookStore } from "./webhooks.ts";
import { createAccess } from "./writer.ts";

export interface StoreOptions {
  /** The database file. It is made when missing, for the owner's eyes only, and so are its directories. */
  path: string;
  log: Log;
  /** The time in milliseconds since the epoch; the real one when absent. */
  clock?: () => number;
}

const OPEN_PATIENCE_MS = 5_000;
const OPEN_PAUSE_MS = 10;

/**
 * Opens the store. Several processes may hold the same file open. Rejects with `store_unavailable` when the file cannot
 * be used: damaged, not writable, of another program, or written by a newer Hermes.
 */
export async function openStore({ path, log, clock = Date.now }: StoreOptions): Promise<Store> {
  const lifeline = createLifeline(path);
  try {
    const instances = await join(lifeline, path, log);
    const access = createAccess({ path, lifeline, log });
    const holds = createHolds(path);
    return {
      path,
      instance: instances.own,
      sessions: createSessionStore(access, clock),
      runs: createRunStore(access, instances, clock),
      approvals: createApprovalStore(access),
      memory: createMemoryStore(access, clock),
      todos: createTodoStore(access, clock),
      deliveries: createDeliveryStore(access, clock),
      inbox: createInboxStore(access, clock),
      chats: createChatStore(access, clock),
      pairings: createPairingStore(access, clock),
      accounts: createAccountStore({ access, instances, holds, path, now: clock }),
      webhooks: createWebhookStore(access, holds, clock),
      ...createUpkeep(access, path, clock),
      async close() {
        try {
          await access.close();
        } finally {
          holds.close();
          instances.close();
        }
      },
    };
  } catch (error) {
    lifeline.abandon();
    throw toStoreError(error, path);
  }
}

/**
 * Becomes one of those that use the file. From then on nobody replaces it (see `restoreDatabase`); when that happened just
 * before, everything begins anew with the file that is there now.
 */
async function join(lifeline: Lifeline, path: string, log: Log): Promise<Instances> {
  for (;;) {
    await prepare(lifeline, path, log);
    const instances = joinInstances(path);
    if (lifeline.isAtPath()) return instances;
    instances.close();
    lifeline.abandon();
  }
}

/** Connects and migrates, with patience for a process that opens, closes or replaces the same file at this moment. */
async function prepare(lifeline: Lifeline, path: string, log: Log): Promise<void> {
  const since = performance.now();
  for (;;) {
    try {
      await migrate(lifeline.readable(), path, log);
      return;
    } catch (error) {
      const isReplaced = !lifeline.isAtPath();
      if (isReplaced) lifeline.abandon();
      if (!(isReplaced || isBusy(error)) || performance.now() - since > OPEN_PATIENCE_MS) throw error;
    }
    await Bun.sleep(OPEN_PAUSE_MS);
  }
}
