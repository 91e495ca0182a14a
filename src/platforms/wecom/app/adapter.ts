import type { AccountSettings, PlatformAdapter } from "../../contract.ts";
import { isAesKey } from "../../weixin-cipher.ts";
import { watchCredentials } from "../../weixin-listen.ts";
import { lacks } from "../errors.ts";
import type { Timing } from "../timing.ts";
import { createAppApi } from "./api.ts";
import { fetchFile } from "./fetch-file.ts";
import { identify } from "./identity.ts";
import { createAppSending } from "./send.ts";
import { createAppWebhook } from "./webhook.ts";

/** An application of a corporation: WeCom calls it, and it calls WeCom. Throws `unauthorized` where a key is missing. */
export function createAppAdapter(account: AccountSettings<"wecom">, timing: Timing): PlatformAdapter {
  const place = "in the admin console (管理后台), 应用管理, your application, 接收消息";
  const { token, encoding_aes_key: aesKey } = account;
  if (!token?.trim()) throw lacks("token", `It is Token ${place}.`);
  if (!isAesKey(aesKey))
    throw lacks("encoding_aes_key", `It is the EncodingAESKey of 43 characters ${place}.`, aesKey);
  const api = createAppApi(account, timing);
  const watched = { api, timing, identify: (signal: AbortSignal) => identify(account, api, signal) };
  return {
    send: createAppSending({ account, api, timing }),
    listen: (hooks, signal) => watchCredentials(watched, hooks, signal),
    webhook: createAppWebhook(account),
    fetchFile: (file, maxBytes, signal) => fetchFile(api, file, maxBytes, signal),
  };
}
