import { type Account, accountLabel, enabledAccounts } from "../config/accounts.ts";
import { variableOf } from "../config/environment.ts";
import { formatPath } from "../config/path.ts";
import { waysToConnect } from "../config/platform-keys.ts";
import type { Config } from "../config/schema.ts";
import type { Gateway } from "../gateway/contract.ts";
import type { SurfaceName } from "../http/edge.ts";
import { AppError } from "../lib/errors.ts";
import { loadPlatform } from "../platforms/registry.ts";

/**
 * The accounts that are meant by names of platforms, such as `telegram`, or of accounts, such as `telegram.work`; without
 * names: all. Raises `config_invalid` when there is none, with what to do.
 */
export function chooseAccounts(config: Config, names: readonly string[]): Account[] {
  const all = enabledAccounts(config);
  if (names.length === 0 && all.length === 0) throw noPlatform();
  for (const name of names) if (!all.some((account) => isMeant(account, name))) throw notThere(name, config);
  return names.length === 0 ? all : all.filter((account) => names.some((name) => isMeant(account, name)));
}

/** True when the platform of the account delivers by calls to the webhook. */
export async function receivesByWebhook({ platform, settings }: Account): Promise<boolean> {
  return (await loadPlatform(platform))?.receivesBy(settings) === "webhook";
}

/** What a change of the configuration asks for that this process can give at its next start only; null for nothing. */
export async function lateWish(
  config: Config,
  { gateway, surfaces }: { gateway: Gateway | null; surfaces: readonly SurfaceName[] },
): Promise<string | null> {
  const accounts = enabledAccounts(config);
  if (accounts.length === 0) return null;
  if (gateway === null) return "The platforms are connected at the next start.";
  if (surfaces.includes("webhook")) return null;
  const isCalled = (await Promise.all(accounts.map(receivesByWebhook))).includes(true);
  return isCalled ? "The webhooks of platforms are served at the next start." : null;
}

function isMeant(account: Account, name: string): boolean {
  return name === account.platform || name === accountLabel(account);
}

function noPlatform(): AppError {
  return new AppError("config_invalid", "No platform is configured.", {
    hint: "Set the keys of one, such as TELEGRAM_BOT_TOKEN=..., or write platforms.telegram.bot_token into config.yaml.",
  });
}

function notThere(name: string, { platforms }: Config): AppError {
  const platform = name.split(".")[0] as Account["platform"];
  const section = platforms[platform];
  const key = `platforms.${platform}`;
  if (section === undefined)
    return new AppError("config_invalid", `${platform} is not configured.`, { hint: keysHint(platform) });
  if (!section.enabled)
    return new AppError("config_invalid", `${key}.enabled is false.`, { hint: "Set it to true." });
  const accounts = (section.accounts ?? []).filter(({ enabled }) => enabled);
  return new AppError("config_invalid", `${name} is not configured, or not enabled.`, {
    hint:
      accounts.length === 0
        ? `There is one account only: ${platform}.`
        : `There are ${accounts.map((account) => accountLabel({ platform, name: account.name })).join(", ")}.`,
  });
}

/** What to set before a platform can be connected, for each way in which it can be. */
export function keysHint(platform: Account["platform"]): string {
  const ways = waysToConnect(platform).map((keys) => {
    const paths = keys.map((key) => ["platforms", platform, key]);
    const variables = paths.flatMap((path) => variableOf(path) ?? []).map((one) => `${one}=...`);
    const inFile = joined(paths.map(formatPath));
    return variables.length < keys.length ? inFile : `${joined(variables)}, or ${inFile}`;
  });
  return `Set ${ways.join("; or ")}.`;
}

function joined(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), ...words.slice(-1)].filter((one) => one !== "").join(" and ");
}
