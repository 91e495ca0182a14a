import { SHORT_SECRET_CHARS } from "./check-listeners.ts";
import { formatPath, type Path } from "./path.ts";
import { keysAdvice, lackingKeys, listed, NEEDS, type PlatformName } from "./platform-keys.ts";
import type { Findings } from "./problems.ts";
import type { Config } from "./schema.ts";

/** A platform or one of its accounts, with the keys that any platform may have. */
interface Account {
  enabled: boolean;
  allowed_users: readonly (number | string)[];
  pairing: boolean;
  mode?: string;
  [key: string]: unknown;
}

/** Checks every platform that is present and enabled, or each of its accounts when it has some. */
export function checkPlatforms(config: Config, findings: Findings): void {
  for (const name of Object.keys(config.platforms) as PlatformName[]) {
    const platform = config.platforms[name];
    if (!platform?.enabled) continue;
    const path = ["platforms", name];
    const accounts: readonly Account[] = platform.accounts ?? [];
    if (accounts.length === 0) checkAccount(name, path, platform, findings);
    else checkUnused(name, path, platform, findings);
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
  const { connect, websocket = [], webhookConnect = [], webhook, webhookAnyOf = [] } = NEEDS[name];
  for (const key of lackingKeys(name, account)) {
    const place = { path: [...path, key] };
    const message = `${shown}.${key} is missing`;
    if (connect.includes(key)) warnings.push({ ...place, message: `${message}: it cannot connect` });
    else if (account.mode === "webhook" && webhookAnyOf.includes(key))
      faults.push({ ...place, message: `${message}; mode: webhook needs ${webhookAnyOf.join(" or ")}` });
    else if (account.mode === "webhook" && webhook.includes(key))
      faults.push({ ...place, message: `${message}; mode: webhook needs it` });
    else {
      const isOfWebhook = account.mode === undefined && !websocket.includes(key);
      const hint = isOfWebhook ? `Set it, or ${listed(websocket)}.` : keysAdvice(name, account, path);
      const isToConnect = webhookConnect.includes(key) || (connect.length === 0 && websocket.includes(key));
      const what = isToConnect ? "connect" : "receive";
      warnings.push({ ...place, message: `${message}: it cannot ${what}`, hint });
    }
  }
  if (account.allowed_users.length === 0 && !account.pairing)
    warnings.push({
      path: [...path, "allowed_users"],
      message: `${shown}.allowed_users is empty and pairing is off: it answers nobody`,
    });
  checkUsers([...path, "allowed_users"], account.allowed_users, { faults, warnings });
  checkSecretToken([...path, "secret_token"], account["secret_token"], { faults, warnings });
  checkPublicKey([...path, "application_public_key"], account["application_public_key"], {
    faults,
    warnings,
  });
}

/** Discord's key is Ed25519, 32 bytes (https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint). */
function checkPublicKey(path: Path, key: unknown, { faults }: Findings): void {
  if (typeof key !== "string" || (key.length === 64 && /^[0-9a-f]+$/i.test(key))) return;
  const message = `${formatPath(path)} is not a public key: that has 64 hexadecimal digits`;
  faults.push({ path, message, hint: "It is the Public Key under General Information of the application." });
}

function checkUsers(path: Path, users: Account["allowed_users"], { faults }: Findings): void {
  for (const [i, user] of users.entries()) {
    const place = [...path, String(i)];
    const shown = formatPath(place);
    if (typeof user === "string" && user.startsWith("@"))
      faults.push({
        path: place,
        message: `${shown} must be an id, not the name ${JSON.stringify(user)}`,
        hint: "A user name can change hands: write the id.",
      });
    // Where ids may be text, a number that is not exact has become text.
    if (typeof user === "number" && !Number.isSafeInteger(user))
      faults.push({ path: place, message: `${shown} is too long for an id of Telegram` });
  }
}

/** Telegram's secret stands in a header, so that it could be guessed; the form is that of the Bot API (`setWebhook`). */
function checkSecretToken(path: Path, secret: unknown, { faults, warnings }: Findings): void {
  if (typeof secret !== "string") return;
  const shown = formatPath(path);
  const hint = "Make one of your own: openssl rand -hex 32";
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(secret))
    faults.push({ path, message: `${shown} must be 1 to 256 letters, digits, - and _`, hint });
  else if (secret.length < SHORT_SECRET_CHARS)
    warnings.push({ path, message: `${shown} is short and can be guessed`, hint });
}

/** Each account has its own keys; that of the platform, perhaps from the environment, would be looked for in vain. */
function checkUnused(name: PlatformName, path: Path, platform: Account, { warnings }: Findings): void {
  for (const key of NEEDS[name].connect.filter((one) => platform[one] !== undefined)) {
    const place = [...path, key];
    const message = `${formatPath(place)} does nothing: the accounts have their own`;
    warnings.push({ path: place, message });
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
