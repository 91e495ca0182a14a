import type { WebhookInfo } from "grammy/types";
import { sleep } from "../../lib/waiting.ts";
import type { ConnectionHooks } from "../contract.ts";
import type { TelegramClient } from "./client.ts";
import { createOutage } from "./outage.ts";
import type { Me } from "./text.ts";
import type { Timing } from "./timing.ts";

const notRegistered = (webhookPath: string) =>
  "No webhook is registered with Telegram. Register it: curl https://api.telegram.org/bot$TOKEN/setWebhook " +
  `-d url=https://YOUR-HOST${webhookPath} -d secret_token=$SECRET_TOKEN`;

/** Whether Telegram's calls to the webhook come. */
export interface WebhookHealth {
  /** Who the bot is; asked once. */
  whoAmI(signal: AbortSignal): Promise<Me>;
  /** Telegram has called. */
  called(bot: Me, hooks: ConnectionHooks): void;
  /**
   * Asks Telegram now and then what it cannot deliver (https://core.telegram.org/bots/api#getwebhookinfo), until the signal
   * aborts. Rejects with `unauthorized` for a token that Telegram does not know.
   */
  watch(hooks: ConnectionHooks, signal: AbortSignal): Promise<void>;
}

export function createWebhookHealth(client: TelegramClient, timing: Timing): WebhookHealth {
  let me: Me | null = null;
  let lastCallMs = 0;
  let lastCheckMs = 0;
  /** Why no messages come. */
  let fault: string | null = "not checked yet";

  const tell = (found: string | null, bot: Me, hooks: ConnectionHooks) => {
    if (found !== null) hooks.reconnecting(found);
    else if (fault !== null) hooks.connected({ id: String(bot.id), name: bot.username });
    fault = found;
  };
  const check = async (hooks: ConnectionHooks, signal: AbortSignal) => {
    const bot = await health.whoAmI(signal);
    const info = await client.call((api, ended) => api.getWebhookInfo(ended), { signal });
    hooks.alive();
    tell(lastCallMs > lastCheckMs ? null : faultOf(info, lastCallMs, hooks), bot, hooks);
    lastCheckMs = Date.now();
  };

  const health: WebhookHealth = {
    async whoAmI(signal) {
      me ??= await client.call((api, ended) => api.getMe(ended), { signal });
      return me;
    },
    called(bot, hooks) {
      lastCallMs = Date.now();
      hooks.alive();
      if (fault !== null) tell(null, bot, hooks);
    },
    async watch(hooks, signal) {
      const onFailure = async ({ message }: Error) => {
        fault = message;
      };
      const outage = createOutage({ hooks, timing, signal, onFailure });
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
  };
  return health;
}

/** Why no messages come, in words; null when they do, as far as Telegram can tell. */
function faultOf(info: WebhookInfo, lastCallMs: number, { webhookPath }: ConnectionHooks): string | null {
  if (!info.url) return notRegistered(webhookPath);
  const failedMs = (info.last_error_date ?? 0) * 1000;
  if (info.pending_update_count === 0 || failedMs <= lastCallMs) return null;
  return `Telegram cannot deliver ${info.pending_update_count} updates to the webhook: ${info.last_error_message}`;
}
