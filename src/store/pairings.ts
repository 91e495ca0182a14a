import { randomBytes } from "node:crypto";
import { and, asc, desc, eq, gt, isNotNull, isNull, or, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { digest, sameDigest } from "../lib/secrets.ts";
import { type Db, statement } from "./connection.ts";
import type { PairingStore } from "./contract.ts";
import { insertNewDelivery } from "./deliveries.ts";
import { countWrongCode, forgetWrongCodes, lockedUntil } from "./pairing-failures.ts";
import type { Pairing, PairingRequest } from "./records.ts";
import { pairings } from "./schema.ts";
import type { Access } from "./writer.ts";

const CODE_LIFE_MS = 3_600_000;
const REQUEST_EVERY_MS = 600_000;
const MAX_PENDING = 3;
const SALT_BYTES = 16;

type PairingRow = typeof pairings.$inferSelect;
type Person = Parameters<PairingStore["request"]>[0];

interface Telling {
  code: () => string;
  tell: Parameters<PairingStore["request"]>[2];
}

const selectPerson = statement((db) =>
  db
    .select()
    .from(pairings)
    .where(
      and(
        eq(pairings.platform, sql.placeholder("platform")),
        eq(pairings.account, sql.placeholder("account")),
        eq(pairings.userId, sql.placeholder("userId")),
      ),
    )
    .prepare(),
);

const selectPending = statement((db) =>
  db
    .select()
    .from(pairings)
    .where(and(eq(pairings.platform, sql.placeholder("platform")), isNotNull(pairings.expiresAt)))
    .orderBy(asc(pairings.position))
    .prepare(),
);

const insertPending = statement((db) =>
  db.$client.prepare(
    `INSERT OR REPLACE INTO pairings
       (platform, account, user_id, name, chat, extra, code_salt, code_digest, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
);

const approvePending = statement((db) =>
  db
    .update(pairings)
    .set({
      approvedAt: sql`${sql.placeholder("now")}`,
      approvedBy: sql`${sql.placeholder("by")}`,
      expiresAt: null,
      codeSalt: null,
      codeDigest: null,
    })
    .where(eq(pairings.position, sql.placeholder("position")))
    .returning()
    .prepare(),
);

const deleteExpired = statement((db) =>
  db.$client.prepare("DELETE FROM pairings WHERE platform = ? AND expires_at <= ?"),
);

const deletePerson = statement((db) =>
  db.$client.prepare("DELETE FROM pairings WHERE platform = ? AND user_id = ?"),
);

/** Who may write to a bot by a code. `now` gives milliseconds since the epoch. */
export function createPairingStore(access: Access, now: () => number): PairingStore {
  return {
    request: (person, code, tell) => access.write((db) => requestCode(db, person, { code, tell }, now())),
    async approve(platform, code, by, tell) {
      // The error is made outside of the transaction, which would otherwise forget the wrong code.
      const outcome = await access.write((db) => {
        const pairing = approveCode(db, platform, code, by, now());
        if (tell && !(pairing instanceof AppError)) insertNewDelivery(db, tell(pairing), "due", now());
        return pairing;
      });
      if (outcome instanceof AppError) throw outcome;
      return outcome;
    },
    isApproved: (platform, account, userId) =>
      access.read((db) => {
        const row = selectPerson(db).get({ platform, account, userId });
        return row !== undefined && row.approvedAt !== null;
      }),
    list: () =>
      access.read((db) =>
        db
          .select()
          .from(pairings)
          .where(or(isNull(pairings.expiresAt), gt(pairings.expiresAt, now())))
          .orderBy(desc(pairings.position))
          .all()
          .map(toPairing),
      ),
    revoke: (platform, userId) => access.write((db) => deletePerson(db).run(platform, userId).changes > 0),
  };
}

function requestCode(db: Db, person: Person, { code: makeCode, tell }: Telling, now: number): PairingRequest {
  const { platform, account, userId, name, chat } = person;
  if (lockedUntil(db, platform, now) !== null) return { outcome: "locked" };
  deleteExpired(db).run(platform, now);
  const known = selectPerson(db).get({ platform, account, userId });
  if (known && (known.approvedAt !== null || now - known.createdAt < REQUEST_EVERY_MS))
    return { outcome: "known" };
  const pending = selectPending(db).all({ platform });
  const ofOthers = pending.filter((row) => row.account === account && row.userId !== userId);
  if (ofOthers.length >= MAX_PENDING) return { outcome: "too_many" };

  const code = makeCode();
  if (tell && !insertNewDelivery(db, tell(code), "due", now)) return { outcome: "known" };
  const salt = randomBytes(SALT_BYTES).toString("hex");
  const expiresAt = now + CODE_LIFE_MS;
  const extra = JSON.stringify(person.extra ?? null);
  const hash = digestOf(code, salt).hex;
  insertPending(db).run(platform, account, userId, name, chat, extra, salt, hash, now, expiresAt);
  return { outcome: "code", code, expiresAt };
}

/** The error is given back instead of thrown, so that the count of wrong codes is kept. */
function approveCode(db: Db, platform: string, code: string, by: string, now: number): Pairing | AppError {
  const locked = lockedUntil(db, platform, now);
  if (locked !== null)
    return new AppError("locked_out", `Too many wrong codes for ${platform}.`, {
      hint: "Wait until approvals are open again, then enter the code that the bot gave.",
      retryAfterMs: locked - now,
    });
  deleteExpired(db).run(platform, now);
  const found = selectPending(db)
    .all({ platform })
    .find((row) => hasCode(row, code));
  if (!found) {
    countWrongCode(db, platform, now);
    return new AppError("not_found", `Nobody on ${platform} has this code.`, {
      hint: "Codes live for an hour. Ask for a new one by writing to the bot.",
    });
  }
  forgetWrongCodes(db, platform);
  return toPairing(approvePending(db).get({ now, by, position: found.position }));
}

function hasCode({ codeSalt, codeDigest }: PairingRow, code: string): boolean {
  if (codeSalt === null || codeDigest === null) return false;
  return sameDigest(digestOf(code, codeSalt).bytes, Buffer.from(codeDigest, "hex"));
}

/** However the code is written: letters of either case, with spaces or dashes between. */
function digestOf(code: string, salt: string): { bytes: Uint8Array; hex: string } {
  const bytes = digest(`${salt}:${code.replaceAll(/[\s-]/g, "").toUpperCase()}`);
  return { bytes, hex: Buffer.from(bytes).toString("hex") };
}

function toPairing({
  position: _position,
  codeSalt: _codeSalt,
  codeDigest: _codeDigest,
  ...pairing
}: PairingRow): Pairing {
  return { ...pairing, status: pairing.approvedAt === null ? "pending" : "approved" };
}
