import { type Account, accountLabel } from "../config/accounts.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/contract.ts";
import { chatPrefix } from "./receive/place.ts";

/**
 * Follows a chat that goes on under another id, as its platform said: what is open for it goes there, its conversations go on,
 * and what the configuration says of the old id holds for the new one. The log says once which id to write.
 */
export async function followMove(
  { store, log }: { store: Pick<Store, "chats" | "deliveries">; log: Log },
  account: Account,
  from: string,
  to: string,
): Promise<void> {
  const label = accountLabel(account);
  const { platform, name } = account;
  const [isNew] = await Promise.all([
    store.chats.recordMove({ platform, account: name, from, to }),
    store.chats.moveChat(chatPrefix(label, from), chatPrefix(label, to)),
    store.deliveries.moveChat(platform, name, from, to),
  ]);
  if (!isNew) return;
  const keys = keysWith(account.settings, from);
  const told = { account: label, from, to };
  if (keys.length === 0) log.info("a chat goes on under another id", told);
  else log.warn(`a group has a new id: write it into ${keys.join(" and ")} in place of the old one`, told);
}

/** The keys of the configuration that name a chat. */
function keysWith({ allowed_groups, chats }: Account["settings"], chat: string): string[] {
  return [
    ...(allowed_groups.includes(chat) ? ["allowed_groups"] : []),
    ...(Object.hasOwn(chats, chat) ? ["chats"] : []),
  ];
}
