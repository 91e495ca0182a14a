import { existsSync } from "node:fs";
import type { MigrationMeta } from "drizzle-orm/migrator";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { copyTo } from "./backup.ts";
import { type Db, MIGRATIONS_TABLE } from "./connection.ts";
import { waitForLock } from "./instances.ts";
import { embedMigrations } from "./migrations.macro.ts" with { type: "macro" };

const MIGRATIONS: MigrationMeta[] = embedMigrations();

/** The version of the schema that this program writes: how many migrations it carries. */
export const SCHEMA_VERSION = MIGRATIONS.length;
const NEWEST_MS = MIGRATIONS.at(-1)?.folderMillis ?? 0;

interface Version {
  applied: number;
  newestMs: number;
}
const NOTHING: Version = { applied: 0, newestMs: 0 };

/**
 * Brings the database to this program's schema. An older one is copied to `<path>.schema-<version>.backup` first; a newer
 * one is refused with `store_unavailable`. When several processes come at once, one migrates and the others wait.
 */
export async function migrate(db: Db, path: string, log: Log): Promise<void> {
  if (isCurrent(readVersion(db), path)) return;
  const lock = await waitForLock(path, "migration", log);
  try {
    const version = readVersion(db);
    if (isCurrent(version, path)) return;
    if (version.applied > 0) {
      const copy = backupPath(path, version.applied);
      copyTo(db, copy);
      log.info("the database is brought to a newer schema", {
        from: version.applied,
        to: SCHEMA_VERSION,
        backup: copy,
      });
    }
    runMigrations(db);
  } finally {
    lock.release();
  }
}

/** All in one transaction. Drizzle's own `migrate()` reads a folder, which an executable does not have. */
function runMigrations(db: Db): void {
  const { dialect, session } = db as unknown as {
    dialect: { migrate(migrations: MigrationMeta[], session: unknown): void };
    session: unknown;
  };
  dialect.migrate(MIGRATIONS, session);
}

function backupPath(path: string, version: number): string {
  return `${path}.schema-${version}.backup`;
}

function isCurrent(version: Version, path: string): boolean {
  if (version.newestMs <= NEWEST_MS) return version.newestMs === NEWEST_MS;
  const copy = backupPath(path, SCHEMA_VERSION);
  throw new AppError(
    "store_unavailable",
    `The database was written by a newer Hermes: its schema is version ${version.applied}, this one knows up to ${SCHEMA_VERSION}.`,
    {
      hint: existsSync(copy)
        ? `Run the newer Hermes, or go back to the copy that was made before the update: ${copy}`
        : `Run the newer Hermes, or put a backup of version ${SCHEMA_VERSION} in the place of ${path}.`,
    },
  );
}

function readVersion(db: Db): Version {
  const tables = db.$client.query("SELECT 1 FROM sqlite_schema WHERE name = ?").all(MIGRATIONS_TABLE);
  if (tables.length === 0) return NOTHING;
  const version = db.$client
    .query<Version, []>(
      `SELECT count(*) AS applied, coalesce(max(created_at), 0) AS newestMs FROM ${MIGRATIONS_TABLE}`,
    )
    .get();
  return version ?? NOTHING;
}
