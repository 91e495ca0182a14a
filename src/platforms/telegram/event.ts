import type { Update } from "grammy/types";
import type { ConnectionHooks, InboundEvent } from "../contract.ts";
import { parseUpdate } from "./parse.ts";
import type { Me } from "./text.ts";

/**
 * What an update says to the bot, or null. So is one that cannot be read: it will not be readable later either, and must not
 * hold up those that come after it.
 */
export function eventOf(update: Update, me: Me, log: ConnectionHooks["log"]): InboundEvent | null {
  log("debug", "update", { update });
  try {
    return parseUpdate(update, me);
  } catch (error) {
    log("warn", "an update of Telegram's could not be read and is left out", {
      update: update.update_id,
      error,
    });
    return null;
  }
}
