import type { AccountSettings } from "../contract.ts";
import { createWeixinApi, type WeixinApi } from "../weixin-api.ts";
import { lacks, meaningOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

const ORIGIN = "https://api.weixin.qq.com";

/**
 * The server API for one account. Throws `unauthorized` for one without credentials. Its tokens are "stable": asking for one does
 * not end that of another program (https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html).
 */
export function createApi(account: AccountSettings<"wechat">, timing: Timing): WeixinApi {
  const { app_id: appId, app_secret: secret } = account;
  if (!appId) throw lacks("app_id");
  if (!secret) throw lacks("app_secret");
  return createWeixinApi({
    title: "WeChat",
    base: (account.api_base ?? ORIGIN).replace(/\/+$/, ""),
    tokenCall: { path: "stable_token", json: { grant_type: "client_credential", appid: appId, secret } },
    meaningOf,
    timing,
  });
}
