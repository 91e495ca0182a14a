import type { Account } from "../../config/accounts.ts";

type Chats = Account["settings"]["chats"];

/** What the configuration says of one chat: under its id, or else under the latest of those that it had before. */
export function chatSettings(chats: Chats, ids: readonly string[]): Chats[string] {
  const id = ids.find((one) => Object.hasOwn(chats, one));
  return (id === undefined ? undefined : chats[id]) ?? {};
}
