import type { AccountSettings, BotIdentity } from "../../contract.ts";
import { textOf } from "../../fields.ts";
import type { WeixinApi } from "../../weixin-api.ts";

/** The application as people see it (https://developer.work.weixin.qq.com/document/path/90227). */
export async function identify(
  { agent_id: id = "" }: AccountSettings<"wecom">,
  api: WeixinApi,
  signal: AbortSignal,
): Promise<BotIdentity> {
  const answer = await api.call({ method: "GET", path: "agent/get", query: { agentid: id } }, signal);
  return { id, name: textOf(answer["name"]) || id };
}
