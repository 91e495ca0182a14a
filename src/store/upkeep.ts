import { statSync } from "node:fs";
import { toAppError } from "../lib/errors.ts";
import { copyTo } from "./backup.ts";
import { type Db, statement } from "./connection.ts";
import type { Store, StoreHealth } from "./contract.ts";
import { SCHEMA_VERSION } from "./migrate.ts";
import type { RunStatus } from "./records.ts";
import type { Access } from "./writer.ts";

/** So many runs lose their events in one transaction, and so many deliveries go, that no other write waits long. */
const PRUNE_RUNS = 50;
const PRUNE_DELIVERIES = 1_000;
/** Webhooks that are still open are kept longer: for an endpoint that is switched off, say. */
const OPEN_WEBHOOKS_MS = 30 * 24 * 3_600_000;

const beat = statement((db) => db.$client.prepare("INSERT OR REPLACE INTO pulse (id, at) VALUES (1, ?)"));

const selectRunsToPrune = statement((db) =>
  db.$client.prepare<{ id: string }, [number, number]>(
    "SELECT id FROM runs WHERE finished_at < ? AND events_pruned = 0 ORDER BY finished_at LIMIT ?",
  ),
);
const deleteEvents = statement((db) => db.$client.prepare("DELETE FROM run_events WHERE run_id = ?"));
const markPruned = statement((db) => db.$client.prepare("UPDATE runs SET events_pruned = 1 WHERE id = ?"));

const deleteReceived = statement((db) =>
  db.$client.prepare(
    `DELETE FROM inbox WHERE (source, delivery_id) IN
       (SELECT source, delivery_id FROM inbox WHERE created_at < ? ORDER BY created_at LIMIT ?)`,
  ),
);

const deleteFinished = statement((db) =>
  db.$client.prepare(
    `DELETE FROM deliveries WHERE position IN
       (SELECT position FROM deliveries WHERE finished_at < ? ORDER BY finished_at LIMIT ?)`,
  ),
);

/** With their deliveries, once none of these is open. */
const deleteWebhooks = statement((db) =>
  db.$client.prepare(
    `DELETE FROM webhook_events WHERE position IN
       (SELECT position FROM webhook_events e WHERE created_at < ?1 AND (created_at < ?2 OR NOT EXISTS
         (SELECT 1 FROM webhook_deliveries WHERE event_position = e.position AND finished_at IS NULL))
        ORDER BY created_at LIMIT ?3)`,
  ),
);

type Upkeep = Pick<Store, "health" | "counts" | "backup" | "check" | "shrink" | "prune">;

/** Health, counts, backup, check, shrink and prune. `now` gives milliseconds since the epoch. */
export function createUpkeep(access: Access, path: string, now: () => number): Upkeep {
  return {
    health: () => takePulse(access, path, now),
    counts: () => access.read(count),
    backup: (toPath) => access.read((db) => copyTo(db, toPath)),
    check: () => access.read(checkIntegrity),
    shrink: () => access.read((db) => void db.$client.run("PRAGMA shrink_memory")),
    async prune({ deliveriesMs, eventsMs }) {
      const time = now();
      while ((await access.write((db) => pruneEvents(db, time - eventsMs))) === PRUNE_RUNS);
      for (const drop of [dropReceived, dropFinished])
        while ((await access.write((db) => drop(db, time - deliveriesMs))) === PRUNE_DELIVERIES);
      while ((await access.write((db) => dropWebhooks(db, time, deliveriesMs))) === PRUNE_DELIVERIES);
    },
  };
}

async function takePulse(access: Access, path: string, now: () => number): Promise<StoreHealth> {
  let problem: string | null = null;
  try {
    await access.write((db) => {
      beat(db).run(now());
    });
  } catch (error) {
    problem = toAppError(error).message;
  }
  return {
    ok: problem === null,
    problem,
    sizeBytes: sizeOf(path),
    walBytes: sizeOf(`${path}-wal`),
    schemaVersion: SCHEMA_VERSION,
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function count(db: Db): Awaited<ReturnType<Store["counts"]>> {
  const totals = db.$client
    .query<{ sessions: number; messages: number; memory: number }, []>(
      `SELECT count(*) AS sessions, coalesce(sum(message_count), 0) AS messages,
         (SELECT count(*) FROM memory) AS memory FROM sessions`,
    )
    .get();
  const runs: Record<RunStatus, number> = { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
  const byStatus = db.$client
    .query<{ status: RunStatus; number: number }, []>(
      "SELECT status, count(*) AS number FROM runs GROUP BY status",
    )
    .all();
  for (const { status, number } of byStatus) runs[status] = number;
  return { sessions: 0, messages: 0, memory: 0, ...totals, runs };
}

function checkIntegrity(db: Db): string[] {
  const findings = db.$client.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
  const orphans = db.$client.query<{ table: string; parent: string }, []>("PRAGMA foreign_key_check").all();
  return [
    ...findings.map((row) => row.integrity_check).filter((finding) => finding !== "ok"),
    ...orphans.map(({ table, parent }) => `a row of ${table} points to a missing row of ${parent}`),
  ];
}

function pruneEvents(db: Db, before: number): number {
  const ids = selectRunsToPrune(db).all(before, PRUNE_RUNS);
  for (const { id } of ids) {
    deleteEvents(db).run(id);
    markPruned(db).run(id);
  }
  return ids.length;
}

function dropReceived(db: Db, before: number): number {
  return deleteReceived(db).run(before, PRUNE_DELIVERIES).changes;
}

function dropFinished(db: Db, before: number): number {
  return deleteFinished(db).run(before, PRUNE_DELIVERIES).changes;
}

function dropWebhooks(db: Db, time: number, keepMs: number): number {
  const openMs = Math.max(keepMs, OPEN_WEBHOOKS_MS);
  return deleteWebhooks(db).run(time - keepMs, time - openMs, PRUNE_DELIVERIES).changes;
}
