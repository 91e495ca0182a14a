import { eq, sql } from "drizzle-orm";
import { type Db, statement } from "./connection.ts";
import { pairingFailures } from "./schema.ts";

/** Wrong codes in a row, on disk, so that a restart gives nobody new tries. All within a transaction. */

const MAX_WRONG_CODES = 5;
const LOCK_MS = 3_600_000;

const selectFailures = statement((db) =>
  db
    .select()
    .from(pairingFailures)
    .where(eq(pairingFailures.platform, sql.placeholder("platform")))
    .prepare(),
);

const upsertFailures = statement((db) =>
  db.$client.prepare(
    "INSERT OR REPLACE INTO pairing_failures (platform, count, locked_until) VALUES (?, ?, ?)",
  ),
);

const deleteFailures = statement((db) =>
  db.$client.prepare("DELETE FROM pairing_failures WHERE platform = ?"),
);

/** Until when no code of the platform is taken; null when codes are. A lock that is over is forgotten with its wrong codes. */
export function lockedUntil(db: Db, platform: string, now: number): number | null {
  const until = selectFailures(db).get({ platform })?.lockedUntil ?? null;
  if (until === null || until > now) return until;
  forgetWrongCodes(db, platform);
  return null;
}

/** One more wrong code; the fifth in a row locks the platform for an hour. */
export function countWrongCode(db: Db, platform: string, now: number): void {
  const count = (selectFailures(db).get({ platform })?.count ?? 0) + 1;
  upsertFailures(db).run(platform, count, count >= MAX_WRONG_CODES ? now + LOCK_MS : null);
}

/** A right code was entered. */
export function forgetWrongCodes(db: Db, platform: string): void {
  deleteFailures(db).run(platform);
}
