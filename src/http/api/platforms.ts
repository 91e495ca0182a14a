import { accountLabel, enabledAccounts } from "../../config/accounts.ts";
import type { Config } from "../../config/schema.ts";
import type { AccountHealth, Gateway } from "../../gateway/contract.ts";
import { recordedHealth } from "../../gateway/recorded-health.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { BotIdentity } from "../../platforms/contract.ts";
import type { Store } from "../../store/contract.ts";

/** How an account is, as `GET /status` and `hermes status` show it. */
export interface PlatformStatus {
  account: string;
  state: AccountHealth["state"];
  since: string;
  bot: BotIdentity | null;
  last_success_at: string | null;
  last_event_at: string | null;
  reconnects: number;
  error?: { message: string; hint?: string };
}

/** What the state of the accounts is read from. */
export interface PlatformSources {
  /** The gateway of this process. */
  gateway: Gateway | null;
  store: Pick<Store, "accounts">;
  config: Config;
}

/**
 * Every account that this process connects, and what other processes wrote of theirs. Accounts that nobody connects and that
 * are in the configuration no more are left out.
 */
export async function platformStatuses({
  gateway,
  store,
  config,
}: PlatformSources): Promise<PlatformStatus[]> {
  const own = gateway?.health() ?? [];
  const configured = new Set(enabledAccounts(config).map(accountLabel));
  const others = (await store.accounts.list())
    .filter(
      ({ instance, platform, account }) => instance !== null || configured.has(labelOf(platform, account)),
    )
    .map(recordedHealth)
    .filter(({ account }) => !own.some((one) => one.account === account));
  return [...own, ...others].map(publicHealth);
}

function labelOf(platform: string, name: string): string {
  return accountLabel({ platform: platform as AccountHealth["platform"], name });
}

function publicHealth(health: AccountHealth): PlatformStatus {
  const { account, state, sinceMs, bot, lastSuccessMs, lastEventMs, reconnects, error } = health;
  return {
    account,
    state,
    since: timestamp(sinceMs),
    bot,
    last_success_at: timestamp(lastSuccessMs),
    last_event_at: timestamp(lastEventMs),
    reconnects,
    ...(error === null ? {} : { error }),
  };
}
