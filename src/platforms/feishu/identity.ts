import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import type { FeishuApi } from "./api.ts";

/** Who the bot is. */
export interface Identity {
  /** By this id mentions name it. */
  openId: string;
  name: string;
}

/**
 * Asks Feishu who the bot is, until it has told, and whenever `fresh`. Rejects with `unavailable` for an app that has no bot yet,
 * since a version that is published gives it one.
 */
export type Identify = (signal: AbortSignal, options?: { fresh: boolean }) => Promise<Identity>;

const HINT = "Add the feature Bot (机器人) to the app in the developer console and publish a version of it.";

/** `Identify` for one app (open.feishu.cn/document/client-docs/bot-v3/obtain-bot-info). */
export function createIdentify(api: FeishuApi): Identify {
  let known: Identity | null = null;
  return async (signal, { fresh } = { fresh: false }) => {
    if (known !== null && !fresh) return known;
    const answer = await api.call({ method: "GET", path: "/bot/v3/info" }, signal).catch((error: unknown) => {
      if (!(error instanceof PlatformError) || error.kind !== "refused") throw error;
      throw new PlatformError("unavailable", error.message, { hint: error.hint ?? HINT, cause: error });
    });
    const bot = fieldsOf(fieldsOf(answer)["bot"]);
    const [openId, name] = [textOf(bot["open_id"]), textOf(bot["app_name"])];
    if (openId === "") throw new PlatformError("unavailable", "The app has no bot.", { hint: HINT });
    known = { openId, name };
    return known;
  };
}
