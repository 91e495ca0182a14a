import type { AccountSettings, PlatformAdapter } from "../contract.ts";
import { isBot } from "./mode.ts";
import { TIMING, type Timing } from "./timing.ts";

/** Makes the adapter of an account. Throws `unauthorized` where a key is missing without which it can do nothing. */
export async function createAdapter(
  account: AccountSettings<"wecom">,
  timing: Timing = TIMING,
): Promise<PlatformAdapter> {
  return isBot(account)
    ? (await import("./bot/adapter.ts")).createBotAdapter(account, timing)
    : (await import("./app/adapter.ts")).createAppAdapter(account, timing);
}
