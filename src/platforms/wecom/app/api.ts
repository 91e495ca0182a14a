import type { AccountSettings } from "../../contract.ts";
import { createWeixinApi, type WeixinApi } from "../../weixin-api.ts";
import { lacks, meaningOf } from "../errors.ts";
import type { Timing } from "../timing.ts";

const ORIGIN = "https://qyapi.weixin.qq.com";

/** The server API for one application. Throws `unauthorized` for an account without its credentials. */
export function createAppApi(account: AccountSettings<"wecom">, timing: Timing): WeixinApi {
  const { corp_id: corpId, agent_id: agentId, secret } = account;
  if (!corpId) throw lacks("corp_id", "It is 企业ID in the admin console (管理后台), 我的企业.");
  const place = "in the admin console (管理后台), 应用管理, your application";
  if (!agentId) throw lacks("agent_id", `It is AgentId ${place}.`);
  if (!secret) throw lacks("secret", `It is Secret ${place}.`);
  return createWeixinApi({
    title: "WeCom",
    base: (account.api_base ?? ORIGIN).replace(/\/+$/, ""),
    tokenCall: { method: "GET", path: "gettoken", query: { corpid: corpId, corpsecret: secret } },
    meaningOf,
    timing,
  });
}
