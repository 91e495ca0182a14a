import type { WeixinApi } from "../weixin-api.ts";
import { isDenied } from "./errors.ts";

/** Shows for some seconds that an answer is being made, where the account may (https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html). */
export function createTyping(api: WeixinApi): (user: string, signal: AbortSignal) => Promise<void> {
  let isAllowed = true;
  return async (user, signal) => {
    if (!isAllowed) return;
    try {
      const json = { touser: user, command: "Typing" };
      await api.call({ path: "message/custom/typing", json }, signal);
    } catch (error) {
      if (isDenied(error)) isAllowed = false;
      throw error;
    }
  };
}
