import type { Update, WebhookInfo } from "grammy/types";
import { parseJson } from "../../lib/json.ts";
import { sleep } from "../../lib/waiting.ts";
import type {
  AccountSettings,
  BotIdentity,
  ConnectionHooks,
  PlatformAdapter,
  WebhookRequest,
} from "../contract.ts";
import { acknowledge } from "./acknowledge.ts";
import { admits } from "./admits.ts";
import type { TelegramClient } from "./client.ts";
import { eventOf } from "./event.ts";
import { createOutage } from "./outage.ts";
import type { Me } from "./text.ts";
import type { Timing } from "./timing.ts";

const HOW_TO_REGISTER =
  "No webhook is registered with Telegram. Register it: curl https://api.telegram.org/bot$TOKEN/setWebhook " +
  "-d url=https://YOUR-HOST/webhook/telegram -d secret_token=$SECRET_TOKEN";

export interface WebhookOptions {
  client: TelegramClient;
  account: AccountSettings<"telegram">;
  timing: Timing;
}

/**
 * Receives by calls of Telegram's to the webhook, which the operator registers. `listen` only watches whether they come:
 * Telegram tells in `getWebhookInfo` what it cannot deliver.
 */
export function createWebhook({
  client,
  account,
  timing,
}: WebhookOptions): Required<Pick<PlatformAdapter, "listen" | "webhook">> {
  let me: Me | null = null;
  let lastRequestMs = 0;
  let lastCheckMs = 0;
  let fault: string | null = "not checked yet";

  const whoAmI = async (signal: AbortSignal): Promise<Me> => {
    me ??= await client.call((api, ended) => api.getMe(ended), { signal });
    return me;
  };
  const tell = (found: string | null, bot: Me, hooks: ConnectionHooks) => {
    if (found !== null) hooks.reconnecting(found);
    else if (fault !== null) hooks.connected(identityOf(bot));
    if (found === HOW_TO_REGISTER && fault !== found) hooks.log("warn", found);
    fault = found;
  };
  const check = async (hooks: ConnectionHooks, signal: AbortSignal) => {
    const bot = await whoAmI(signal);
    const info = await client.call((api, ended) => api.getWebhookInfo(ended), { signal });
    hooks.alive();
    tell(lastRequestMs > lastCheckMs ? null : faultOf(info, lastRequestMs), bot, hooks);
    lastCheckMs = Date.now();
  };

  return {
    async listen(hooks, signal) {
      const outage = createOutage({ hooks, timing, signal });
      try {
        for (;;) {
          await outage.untilAnswered(() => check(hooks, signal));
          outage.over();
          await sleep(timing.webhookCheckMs, signal);
          signal.throwIfAborted();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },

    async webhook(request, hooks) {
      if (!admits(request.headers, account)) return { status: 401 };
      if (request.method !== "POST") return { status: 405 };
      const update = readUpdate(request);
      if (update === null) return { status: 400 };
      const signal = AbortSignal.timeout(timing.callMs);
      try {
        const bot = await whoAmI(signal);
        lastRequestMs = Date.now();
        hooks.alive();
        if (fault !== null) tell(null, bot, hooks);
        const event = eventOf(update, bot, hooks.log);
        if (event !== null) await hooks.emit(event);
      } catch (error) {
        hooks.log("warn", "an update could not be kept; Telegram delivers it again", {
          update: update.update_id,
          error,
        });
        return { status: 503 };
      }
      void acknowledge(update, client, hooks.log, signal);
      return { status: 200 };
    },
  };
}

function identityOf(bot: Me): BotIdentity {
  return { id: String(bot.id), name: bot.username };
}

/** Why no messages come, in words; null when they do, as far as Telegram can tell. */
function faultOf(info: WebhookInfo, lastRequestMs: number): string | null {
  if (!info.url) return HOW_TO_REGISTER;
  const failedMs = (info.last_error_date ?? 0) * 1000;
  if (info.pending_update_count === 0 || failedMs <= lastRequestMs) return null;
  return `Telegram cannot deliver ${info.pending_update_count} updates to the webhook: ${info.last_error_message}`;
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
