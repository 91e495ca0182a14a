import { hash } from "node:crypto";
import { type Account, accountLabel, enabledAccounts } from "../../config/accounts.ts";
import { keysAdvice, lackingKeys, lackingToSend } from "../../config/platform-keys.ts";
import type { Config } from "../../config/schema.ts";
import type { Platform, PlatformId } from "../../platforms/contract.ts";

/** What is to become of an account: it is connected, or it cannot be as it stands. */
export interface PlannedAccount {
  account: Account;
  label: string;
  way: Way | Refusal;
}

/** How an account is connected. */
export interface Way {
  platform: Platform;
  /** Stands for the bot among processes; no secret. */
  credentialHash: string;
}

/** Why an account cannot be connected. Fit for a user. */
export interface Refusal {
  message: string;
  hint?: string;
  /** Nothing is wrong with the configuration: a later version connects it. */
  isExpected?: true;
}

/** What a plan is made from. */
export interface PlanParts {
  config: Config;
  /** Platforms and accounts by their names; absent or empty: all that are enabled. */
  only?: readonly string[] | undefined;
  /** False: the accounts only send, for which some need less. Default: true. */
  receives?: boolean | undefined;
  /** Null for a platform that this version does not connect. */
  loadPlatform(id: PlatformId): Promise<Platform | null>;
}

/** Plans every account that is asked for. Of two that are the same bot only the first is connected. */
export async function planAccounts(parts: PlanParts): Promise<PlannedAccount[]> {
  const { config, only = [], loadPlatform, receives = true } = parts;
  const labelByBot = new Map<string, string>();
  const planned: PlannedAccount[] = [];
  for (const account of enabledAccounts(config)) {
    const label = accountLabel(account);
    if (only.length > 0 && !only.includes(account.platform) && !only.includes(label)) continue;
    const way = wayOf(account, label, await loadPlatform(account.platform), receives);
    const first = "platform" in way ? labelByBot.get(way.credentialHash) : undefined;
    if ("platform" in way && first === undefined) labelByBot.set(way.credentialHash, label);
    planned.push({ account, label, way: first === undefined ? way : sameBot(label, first) });
  }
  return planned;
}

function wayOf(
  { platform: id, settings }: Account,
  label: string,
  platform: Platform | null,
  receives: boolean,
): Way | Refusal {
  if (!platform) return { message: `This version does not connect ${id} yet.`, isExpected: true };
  const toSend = lackingToSend(id, settings);
  const lacking = receives ? lackingKeys(id, settings) : toSend;
  if (lacking.length > 0)
    return {
      message: `${label} lacks ${lacking.join(" and ")}: it cannot ${toSend.length > 0 ? "connect" : "receive"}.`,
      hint: keysAdvice(id, settings),
    };
  return { platform, credentialHash: hash("sha256", `${id}\0${platform.credential(settings)}`) };
}

const sameBot = (label: string, first: string): Refusal => ({
  message: `${label} is the same bot as ${first}, which is connected already.`,
  hint: "Give each account a bot of its own, or remove one of them.",
});
