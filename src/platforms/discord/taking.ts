import { type APIInteraction, InteractionType } from "@discordjs/core/http-only";
import type { ConnectionHooks, InboundMessage } from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { isThread, parseInteraction, TAKEN } from "./interactions.ts";
import type { Journal } from "./journal.ts";
import { type DiscordMessage, isFromPerson, type Place, parseMessage } from "./parse.ts";
import type { Places } from "./places.ts";

export interface TakingOptions {
  client: DiscordClient;
  hooks: ConnectionHooks;
  journal: Journal;
  places: Places;
  signal: AbortSignal;
  /** Who the bot is. */
  botId(): string;
}

/** Hands on what people do. Each call resolves once that is stored, and rejects when it has to be tried again. */
export interface Taking {
  message(message: DiscordMessage): Promise<void>;
  interaction(interaction: APIInteraction): Promise<void>;
}

export function createTaking({ client, hooks, journal, places, signal, botId }: TakingOptions): Taking {
  /** The state goes along with what surely concerns the bot: the rest comes in numbers, and is mostly for nobody. */
  async function emit(message: InboundMessage): Promise<void> {
    const stored = hooks.emit(message);
    if (message.isForBot) journal.save();
    await stored;
  }

  /** Messages of the gateway mostly say that they are in no thread; where a thread is, has to be looked up. */
  async function placeOf({
    channel_id: channel,
    channel_type: type,
    guild_id: guild,
  }: DiscordMessage): Promise<Place> {
    return type === undefined || isThread(type) ? await places.find(channel, signal) : { guild };
  }

  /** What has another form than Discord says would never be taken, however often it is tried. */
  function readable(read: () => InboundMessage | null, id: string): InboundMessage | null {
    try {
      return read();
    } catch (error) {
      hooks.log("warn", "what Discord sent cannot be read and is left out", { id, error });
      return null;
    }
  }

  /** Late or lost, it only leaves who used the command without a sign that it was taken. */
  async function acknowledge({ id, token, type }: APIInteraction): Promise<void> {
    try {
      await client.call(
        ({ interactions }, ended) =>
          type === InteractionType.MessageComponent
            ? interactions.deferMessageUpdate(id, token, {}, { signal: ended })
            : interactions.reply(id, token, TAKEN, { signal: ended }),
        signal,
      );
    } catch (error) {
      hooks.log("debug", "an interaction could not be acknowledged", { id, error });
    }
  }

  return {
    async message(message) {
      const { channel_id: channel, id } = message;
      if (isFromPerson(message)) {
        const place = await placeOf(message);
        const parsed = readable(() => parseMessage(message, place, botId()), id);
        if (parsed !== null) await emit(parsed);
      }
      journal.stored(channel, id);
    },
    async interaction(interaction) {
      const parsed = readable(() => parseInteraction(interaction), interaction.id);
      if (parsed === null) return;
      await emit(parsed);
      void acknowledge(interaction);
    },
  };
}
