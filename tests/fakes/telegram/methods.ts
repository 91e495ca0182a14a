import type { BotCommand, User } from "grammy/types";
import { Refusal } from "./contract.ts";
import type { Queue } from "./queue.ts";
import type { Params } from "./request.ts";
import type { WebhookCaller } from "./webhook.ts";

/** A file as Telegram keeps it. */
export interface StoredFile {
  bytes: Uint8Array;
  path: string;
  /** What Telegram says of its size. */
  sizeBytes: number;
}

export interface Keeping {
  bot: User;
  queue: Queue;
  webhook: WebhookCaller;
  files: ReadonlyMap<string, StoredFile>;
  /** The presses of buttons that wait for an answer. */
  presses: Set<string>;
}

/** Bots may fetch files up to this size. */
const MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024;
const WEBHOOK_ACTIVE =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

type Method = (params: Params, signal: AbortSignal) => unknown;

/** The methods of the bot itself: who it is, its updates, its files, its menu. */
export function botMethods({ bot, queue, webhook, files, presses }: Keeping): Record<string, Method> {
  return {
    getMe: () => ({ ...bot, can_join_groups: true, can_read_all_group_messages: false }),
    async getUpdates(params, signal) {
      if (webhook.url !== "") throw new Refusal(409, WEBHOOK_ACTIVE);
      const limit = Math.min(Math.max(params.number("limit", 100), 1), 100);
      const timeoutMs = Math.min(params.number("timeout", 0), 50) * 1000;
      return await queue.poll({ offset: params.number("offset", 0), limit, timeoutMs, signal });
    },
    setWebhook(params) {
      const secret = params.text("secret_token");
      if (!/^[\w-]{0,256}$/.test(secret))
        throw new Refusal(400, "Bad Request: secret token contains illegal characters");
      if (params.flag("drop_pending_updates")) queue.clear();
      queue.abortPoll("Conflict: terminated by setWebhook request");
      webhook.set(params.text("url"), secret);
      return true;
    },
    deleteWebhook(params) {
      if (params.flag("drop_pending_updates")) queue.clear();
      webhook.set("", "");
      return true;
    },
    getWebhookInfo: () => ({
      url: webhook.url,
      has_custom_certificate: false,
      pending_update_count: queue.pending.length,
      ...webhook.lastError,
    }),
    getFile(params) {
      const id = params.text("file_id");
      const file = files.get(id);
      if (!file) throw new Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable");
      if (file.sizeBytes > MAX_DOWNLOAD_BYTES) throw new Refusal(400, "Bad Request: file is too big");
      return { file_id: id, file_unique_id: id, file_size: file.sizeBytes, file_path: file.path };
    },
    answerCallbackQuery(params) {
      if (presses.delete(params.text("callback_query_id"))) return true;
      const words = "query is too old and response timeout expired or query ID is invalid";
      throw new Refusal(400, `Bad Request: ${words}`);
    },
    setMyCommands(params) {
      const commands = params.object<BotCommand[]>("commands") ?? [];
      if (commands.length > 100) throw new Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH");
      for (const { command, description } of commands) {
        if (!/^[a-z0-9_]{1,32}$/.test(command)) throw new Refusal(400, "Bad Request: BOT_COMMAND_INVALID");
        if (description.length < 1 || description.length > 256)
          throw new Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID");
      }
      return true;
    },
  };
}
