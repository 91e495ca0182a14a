import { formatPath, type Path } from "./path.ts";
import type { Findings } from "./problems.ts";
import type { Config } from "./schema.ts";

type PlatformName = keyof Config["platforms"];

/** A platform or one of its accounts, with the keys that any platform may have. */
interface Account {
  enabled: boolean;
  allowed_users: readonly (number | string)[];
  mode?: string;
  [key: string]: unknown;
}

interface Needs {
  /** Without these it cannot connect. */
  connect: readonly string[];
  /** Without these anybody could send it messages by calling its webhook. */
  webhook: readonly string[];
}

const NEEDS: Readonly<Record<PlatformName, Needs>> = {
  telegram: { connect: ["bot_token"], webhook: ["secret_token"] },
  discord: { connect: ["bot_token"], webhook: ["application_public_key"] },
  slack: { connect: ["bot_token"], webhook: ["signing_secret"] },
  wecom: { connect: [], webhook: ["token", "encoding_aes_key"] },
  dingtalk: { connect: ["app_key", "app_secret"], webhook: [] },
  feishu: { connect: ["app_id", "app_secret"], webhook: ["encrypt_key"] },
  wechat: { connect: ["app_id", "app_secret"], webhook: [] },
};

/** Checks every platform that is present and enabled, or each of its accounts when it has some. */
export function checkPlatforms(config: Config, findings: Findings): void {
  for (const name of Object.keys(config.platforms) as PlatformName[]) {
    const platform = config.platforms[name];
    if (!platform?.enabled) continue;
    const path = ["platforms", name];
    const accounts: readonly Account[] = platform.accounts ?? [];
    if (accounts.length === 0) checkAccount(name, path, platform, findings);
    for (const [i, account] of accounts.entries())
      if (account.enabled) checkAccount(name, [...path, "accounts", String(i)], account, findings);
    checkAccountNames(path, accounts, findings);
  }
}

function checkAccount(
  name: PlatformName,
  path: Path,
  account: Account,
  { faults, warnings }: Findings,
): void {
  const shown = formatPath(path);
  const lacking = (keys: readonly string[]) => keys.filter((key) => account[key] === undefined);
  for (const key of lacking(NEEDS[name].connect))
    warnings.push({ path: [...path, key], message: `${shown}.${key} is missing: it cannot connect` });
  if (account.mode === "webhook")
    for (const key of lacking(NEEDS[name].webhook))
      faults.push({ path: [...path, key], message: `${shown}.${key} is missing; mode: webhook needs it` });
  if (account.allowed_users.length === 0)
    warnings.push({
      path: [...path, "allowed_users"],
      message: `${shown}.allowed_users is empty: it answers nobody`,
    });
  for (const [i, user] of account.allowed_users.entries())
    if (typeof user === "string" && user.startsWith("@")) {
      const message = `${shown}.allowed_users[${i}] must be an id, not the name ${JSON.stringify(user)}`;
      const hint = "A user name can change hands: write the id.";
      faults.push({ path: [...path, "allowed_users", String(i)], message, hint });
    }
}

function checkAccountNames(path: Path, accounts: readonly Account[], { faults }: Findings): void {
  const names = accounts.map((account) => account["name"]);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    const place = [...path, "accounts", String(i), "name"];
    faults.push({ path: place, message: `${formatPath(place)} is the name of another account` });
  }
}
