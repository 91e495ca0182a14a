import { type Account, enabledAccounts } from "./accounts.ts";
import type { Config } from "./schema.ts";

/** A chat as people write it: `telegram:123456789`, `telegram.work:123456789`, `slack:C0123:1712.34`. */
export interface ChatAddress {
  platform: string;
  /** The name of the account; absent for the only one. */
  account?: string;
  chat: string;
  thread?: string;
}

/** The parts of an address, or null for what is none. Whether there is such a platform is not looked at. */
export function parseChatAddress(text: string): ChatAddress | null {
  const [, label = "", chat = "", thread] = /^([^:]+):([^:]+)(?::(.+))?$/s.exec(text) ?? [];
  const [platform = "", account] = label.split(/\.(.*)/s);
  if (platform === "" || account === "" || chat === "") return null;
  return {
    platform,
    ...(account === undefined ? {} : { account }),
    chat,
    ...(thread === undefined ? {} : { thread }),
  };
}

/** The enabled account that an address means; null when there is none, or when several could be meant. */
export function accountOfChat(config: Config, { platform, account }: ChatAddress): Account | null {
  const candidates = enabledAccounts(config).filter(
    (one) => one.platform === platform && (account === undefined || one.name === account),
  );
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}
