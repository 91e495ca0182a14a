import type { AccountSettings, ConnectionHooks, PlatformAdapter } from "../contract.ts";
import { isAesKey } from "../weixin-cipher.ts";
import { watchCredentials } from "../weixin-listen.ts";
import { createApi } from "./api.ts";
import { createConversations } from "./conversations.ts";
import { lacks } from "./errors.ts";
import { fetchFile } from "./fetch-file.ts";
import { createGiving } from "./giving.ts";
import { createHeld } from "./held.ts";
import { createPushes } from "./pushes.ts";
import { createSending } from "./send.ts";
import { TIMING, type Timing } from "./timing.ts";
import { createTyping } from "./typing.ts";
import { createWebhook } from "./webhook.ts";
import { wordsOf } from "./words.ts";

/** Makes the adapter of an account. Throws `unauthorized` where a key is missing or is none. */
export function createAdapter(account: AccountSettings<"wechat">, timing: Timing = TIMING): PlatformAdapter {
  if (!account.token?.trim()) throw lacks("token");
  if (account.encoding_aes_key !== undefined && !isAesKey(account.encoding_aes_key))
    throw lacks("encoding_aes_key", account.encoding_aes_key);
  const { app_id: id = "" } = account;
  const api = createApi(account, timing);
  const words = wordsOf(account);
  const conversations = createConversations();
  const held = createHeld(timing.repeatMs);
  let hooks: ConnectionHooks | null = null;
  const log = (message: string, fields: Record<string, unknown>) => hooks?.log("debug", message, fields);
  const pushes = createPushes({ api, conversations, timing, now: Date.now });
  const giving = createGiving({ conversations, held, pushes, timing, words, log });
  const working = new Set<string>();
  const send = createSending({ api, giving, pushes, timing });
  const type = createTyping(api);
  const webhook = createWebhook({ account, conversations, held, giving, pushes, working, words, timing });

  return {
    async listen(given, signal) {
      hooks = given;
      conversations.begin(given);
      const identify = async () => ({ id, name: id });
      await watchCredentials({ api, timing, identify }, given, signal);
    },
    webhook,
    send(message, signal) {
      working.delete(message.address.chat);
      return send(message, signal);
    },
    async typing({ chat }, signal) {
      working.add(chat);
      await type(chat, signal);
    },
    fetchFile: (file, maxBytes, signal) =>
      fetchFile({ api, apiBase: account.api_base, timing }, file, maxBytes, signal),
  };
}
