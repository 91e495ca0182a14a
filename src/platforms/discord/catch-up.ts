import type { APIMessage } from "@discordjs/core/http-only";
import { createLimit } from "../../lib/limit.ts";
import type { DiscordClient } from "./client.ts";
import { isRefusal } from "./errors.ts";
import type { Journal } from "./journal.ts";
import type { DiscordMessage } from "./parse.ts";
import { firstIdAt, isLater } from "./snowflakes.ts";

/** As many messages as one call lists. */
const PAGE = 100;
/** So many channels are asked at once. */
const AT_ONCE = 4;
/** Nobody waits any longer for an answer to what is older. Telegram keeps messages for as long. */
const MAX_AGE_MS = 24 * 60 * 60_000;

export interface CatchUpOptions {
  client: DiscordClient;
  journal: Journal;
  signal: AbortSignal;
  /** Resolves once the message is stored, and known to the journal as such. */
  take(message: DiscordMessage): Promise<void>;
}

/**
 * Lists what came to a channel after the last message that is stored, and hands it on in order: for the time that no session
 * covers. Rejects when that has to be tried again. https://discord.com/developers/docs/resources/message#get-channel-messages
 */
export function createCatchUp({
  client,
  journal,
  signal,
  take,
}: CatchUpOptions): (channel: string) => Promise<void> {
  const limit = createLimit(AT_ONCE);

  async function list(channel: string, after: string): Promise<APIMessage[]> {
    const query = { after, limit: PAGE };
    try {
      const page = await limit(() =>
        client.call((api, ended) => api.channels.getMessages(channel, query, { signal: ended }), signal),
      );
      return page.sort((a, b) => (isLater(a.id, b.id) ? 1 : -1));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      journal.forget(channel); // it is gone, or the bot may not read it any more
      return [];
    }
  }

  return async (channel) => {
    for (let isMore = true; isMore; ) {
      const stored = journal.lastOf(channel);
      if (stored === undefined) return;
      const oldest = firstIdAt(Date.now() - MAX_AGE_MS);
      const page = await list(channel, isLater(stored, oldest) ? stored : oldest);
      for (const message of page) await take(message);
      isMore = page.length === PAGE;
    }
  };
}
