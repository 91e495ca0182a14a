import type { Fields } from "../fields.ts";
import type { WeixinApi } from "../weixin-api.ts";

/** Sends one message after the call that it answers (https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html). */
export async function pushMessage(
  api: WeixinApi,
  user: string,
  content: Fields,
  signal: AbortSignal,
): Promise<void> {
  await api.call({ path: "message/custom/send", json: { touser: user, ...content } }, signal);
}
