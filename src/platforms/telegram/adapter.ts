import { type AccountSettings, type PlatformAdapter, PlatformError } from "../contract.ts";
import { createClient } from "./client.ts";
import { registerCommands } from "./commands.ts";
import { fetchFile } from "./fetch-file.ts";
import { listen } from "./listen.ts";
import { createSending } from "./send.ts";
import { createSigns } from "./signs.ts";
import { TIMING, type Timing } from "./timing.ts";
import { createWebhook } from "./webhook.ts";

/** It can do all that a platform may, and receives in one way or the other. */
type TelegramAdapter = Required<Omit<PlatformAdapter, "listen" | "webhook" | "close">> &
  Pick<PlatformAdapter, "listen" | "webhook">;

/** Makes the adapter of an account. Throws `unauthorized` where a key is missing without which it can do nothing. */
export function createAdapter(
  account: AccountSettings<"telegram">,
  timing: Timing = TIMING,
): TelegramAdapter {
  const { bot_token: token, api_base: apiBase, max_retries: maxRetries } = account;
  if (token === undefined) throw missing("bot_token", "Get one from @BotFather.");
  if (account.mode === "webhook" && account.secret_token === undefined)
    throw missing("secret_token", "Choose one, and give it to Telegram with setWebhook.");
  const client = createClient({ token, apiBase, maxRetries, timing });
  const receiving: Pick<PlatformAdapter, "listen" | "webhook"> =
    account.mode === "webhook"
      ? createWebhook({ client, account, timing })
      : {
          listen: (hooks, signal) =>
            listen({ client, hooks, timing, pollingTimeout: account.polling_timeout, signal }),
        };
  return {
    ...createSending(client, timing.transferMs),
    ...createSigns(client),
    ...receiving,
    fetchFile: (file, maxBytes, signal) => fetchFile(client, file, maxBytes, signal),
    registerCommands: (commands, signal) => registerCommands(client, commands, signal),
  };
}

function missing(key: string, hint: string): PlatformError {
  return new PlatformError("unauthorized", `platforms.telegram.${key} is missing.`, { hint });
}
