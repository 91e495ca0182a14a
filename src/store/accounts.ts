import { and, asc, eq, sql } from "drizzle-orm";
import { statement } from "./connection.ts";
import type { AccountStore } from "./contract.ts";
import { toStoreError } from "./faults.ts";
import type { Holds } from "./holds.ts";
import type { Instances } from "./instances.ts";
import type { AccountRecord } from "./records.ts";
import { accounts } from "./schema.ts";
import type { Access } from "./writer.ts";

const selectAccount = statement((db) =>
  db
    .select()
    .from(accounts)
    .where(
      and(
        eq(accounts.platform, sql.placeholder("platform")),
        eq(accounts.account, sql.placeholder("account")),
      ),
    )
    .prepare(),
);

const upsertHealth = statement((db) =>
  db.$client.prepare(
    `INSERT INTO accounts (platform, account, instance, health, updated_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (platform, account) DO UPDATE SET instance = excluded.instance, health = excluded.health,
       updated_at = excluded.updated_at`,
  ),
);

const upsertState = statement((db) =>
  db.$client.prepare(
    `INSERT INTO accounts (platform, account, instance, state, updated_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (platform, account) DO UPDATE SET instance = excluded.instance, state = excluded.state,
       updated_at = excluded.updated_at`,
  ),
);

/** What an account store works with. `now` gives milliseconds since the epoch. */
export interface AccountStoreParts {
  access: Access;
  instances: Instances;
  holds: Holds;
  path: string;
  now: () => number;
}

/** The accounts of platforms, and which process has them. */
export function createAccountStore({ access, instances, holds, path, now }: AccountStoreParts): AccountStore {
  const { own } = instances;
  const toRecord = (row: typeof accounts.$inferSelect): AccountRecord => ({
    ...row,
    instance: instances.gone([row.instance]).length > 0 ? null : row.instance,
  });

  return {
    async hold(credential, holder) {
      try {
        return holds.take(credential, holder);
      } catch (error) {
        throw toStoreError(error, path);
      }
    },
    get: (platform, account) =>
      access.read((db) => {
        const row = selectAccount(db).get({ platform, account });
        return row ? toRecord(row) : null;
      }),
    list: () =>
      access.read((db) =>
        db.select().from(accounts).orderBy(asc(accounts.platform), asc(accounts.account)).all().map(toRecord),
      ),
    saveHealth: (platform, account, health) =>
      access.write((db) => {
        upsertHealth(db).run(platform, account, own, JSON.stringify(health ?? null), now());
      }),
    saveState: (platform, account, state) =>
      access.write((db) => {
        upsertState(db).run(platform, account, own, JSON.stringify(state ?? null), now());
      }),
  };
}
