import type { Update } from "grammy/types";
import { parseJson } from "../../lib/json.ts";
import type { AccountSettings, PlatformAdapter, WebhookRequest } from "../contract.ts";
import { acknowledge } from "./acknowledge.ts";
import { admits } from "./admits.ts";
import type { TelegramClient } from "./client.ts";
import { eventOf } from "./event.ts";
import type { Timing } from "./timing.ts";
import { createWebhookHealth } from "./webhook-health.ts";

export interface WebhookOptions {
  client: TelegramClient;
  account: AccountSettings<"telegram">;
  timing: Timing;
}

/**
 * Receives by calls of Telegram's to the webhook, which the operator registers with Telegram. `listen` only watches whether
 * they come.
 */
export function createWebhook({
  client,
  account,
  timing,
}: WebhookOptions): Required<Pick<PlatformAdapter, "listen" | "webhook">> {
  const health = createWebhookHealth(client, timing);
  return {
    listen: health.watch,
    async webhook(request, hooks) {
      if (!admits(request.headers, account)) return { status: 401 };
      if (request.method !== "POST") return { status: 405 };
      const update = readUpdate(request);
      if (update === null) return { status: 400 };
      const signal = AbortSignal.timeout(timing.callMs);
      try {
        const bot = await health.whoAmI(signal);
        health.called(bot, hooks);
        const event = eventOf(update, bot, hooks.log);
        if (event !== null) await hooks.emit(event);
      } catch (error) {
        const fields = { update: update.update_id, error };
        hooks.log("warn", "an update could not be kept; Telegram delivers it again", fields);
        return { status: 503 };
      }
      void acknowledge(update, client, hooks.log, signal);
      return { status: 200 };
    },
  };
}

/** The update of a request; null for what is none. */
function readUpdate({ body }: WebhookRequest): Update | null {
  try {
    const update = parseJson(body) as Partial<Update> | null;
    return typeof update === "object" && Number.isSafeInteger(update?.update_id) ? (update as Update) : null;
  } catch {
    return null; // it came with the secret and is no JSON: nothing that Telegram sends
  }
}
