import type { Update } from "grammy/types";
import type { ConnectionHooks } from "../contract.ts";
import type { TelegramClient } from "./client.ts";

/** Ends the waiting that a button shows. Whether that works changes nothing: the press is kept already. */
export async function acknowledge(
  { callback_query: query }: Update,
  client: TelegramClient,
  log: ConnectionHooks["log"],
  signal: AbortSignal,
): Promise<void> {
  if (!query) return;
  try {
    await client.call((api, ended) => api.answerCallbackQuery({ callback_query_id: query.id }, ended), {
      signal,
    });
  } catch (error) {
    log("debug", "a button goes on showing that it waits", { error });
  }
}
