import { existsSync } from "node:fs";
import { type Account, accountLabel, enabledAccounts } from "../config/accounts.ts";
import { databasePath } from "../config/home.ts";
import { keysAdvice, lackingKeys } from "../config/platform-keys.ts";
import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Pairing } from "../store/records.ts";
import type { DoctorCheck } from "./doctor-check.ts";
import { writersOf } from "./writers.ts";

/** One line for each account of a chat platform: what it lacks, and who may write. */
export async function checkPlatforms(config: Config, home: string, log: Log): Promise<DoctorCheck[]> {
  const accounts = enabledAccounts(config);
  if (accounts.length === 0) return [];
  const pairings = await pairingsOf(home, log);
  return accounts.map((account) => checkAccount(account, pairings));
}

function checkAccount(account: Account, pairings: readonly Pairing[]): DoctorCheck {
  const { platform, settings } = account;
  const name = accountLabel(account);
  const lacking = lackingKeys(platform, settings);
  if (lacking.length > 0) {
    const hint = keysAdvice(platform, settings);
    return { name, status: "problem", message: `${lacking.join(" and ")} missing`, hint };
  }
  const { some, text, advice } = writersOf(account, pairings);
  const message = `has its keys; ${text}`;
  return {
    name,
    status: some ? "ok" : "warning",
    message,
    ...(advice === undefined ? {} : { hint: advice }),
  };
}

/** Who was let in by a code; nobody where there is no database, or one that another check tells of. */
async function pairingsOf(home: string, log: Log): Promise<Pairing[]> {
  const path = databasePath(home);
  if (!existsSync(path)) return [];
  const { openStore } = await import("../store/open.ts");
  try {
    const store = await openStore({ path, log });
    try {
      return await store.pairings.list();
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [];
  }
}
