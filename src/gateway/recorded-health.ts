import { accountLabel } from "../config/accounts.ts";
import type { PlatformId } from "../platforms/contract.ts";
import type { AccountRecord } from "../store/records.ts";
import type { AccountHealth } from "./contract.ts";

/**
 * How an account is by what the process that connects it wrote last, and `stopped` once that is gone. What a record of another
 * version lacks is not known.
 */
export function recordedHealth({
  platform,
  account,
  instance,
  health,
  updatedAt,
}: AccountRecord): AccountHealth {
  const known: Partial<AccountHealth> = typeof health === "object" && health !== null ? health : {};
  const isStopped = instance === null;
  return {
    platform: platform as PlatformId,
    account: accountLabel({ platform: platform as PlatformId, name: account }),
    state: isStopped ? "stopped" : (known.state ?? "starting"),
    sinceMs: isStopped ? updatedAt : (known.sinceMs ?? updatedAt),
    bot: known.bot ?? null,
    lastSuccessMs: known.lastSuccessMs ?? null,
    lastEventMs: known.lastEventMs ?? null,
    reconnects: known.reconnects ?? 0,
    error: known.error ?? null,
  };
}
