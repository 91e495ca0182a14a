import type { Config } from "./schema.ts";

type Platforms = Config["platforms"];
type PlatformName = keyof Platforms;

/** What the configuration says of one bot of a platform. */
export type AccountSettings<Name extends PlatformName = PlatformName> = Name extends PlatformName
  ? Omit<NonNullable<Platforms[Name]>, "accounts">
  : never;

/** One bot of a platform, as the configuration has it. */
export interface Account {
  platform: PlatformName;
  /** Empty for a platform without `accounts`. */
  name: string;
  settings: AccountSettings;
}

/** The accounts that are enabled: the platform itself, or each of its `accounts` when it has some. */
export function enabledAccounts({ platforms }: Config): Account[] {
  return (Object.keys(platforms) as PlatformName[]).flatMap((platform) => {
    const section = platforms[platform];
    if (!section?.enabled) return [];
    const { accounts = [], ...settings } = section;
    if (accounts.length === 0) return [{ platform, name: "", settings: settings as AccountSettings }];
    return accounts.flatMap(({ name, ...own }) =>
      own.enabled ? [{ platform, name, settings: own as AccountSettings }] : [],
    );
  });
}

/** Where the webhook of an account answers. */
export function webhookPath(
  { gateway }: Config,
  { platform, name }: Pick<Account, "platform" | "name">,
): string {
  return [gateway.webhook.path, platform, ...(name === "" ? [] : [name])].join("/");
}

/** How an account is named to people and in addresses: `telegram`, or `telegram.work` for one of several. */
export function accountLabel({ platform, name }: { platform: string; name: string }): string {
  return name === "" ? platform : `${platform}.${name}`;
}
