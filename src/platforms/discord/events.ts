import {
  GatewayDispatchEvents as Events,
  type GatewayDispatchPayload,
  type GatewayMessageCreateDispatchData,
  type GatewayReadyDispatchData,
} from "@discordjs/core/http-only";
import type { BotIdentity, ConnectionHooks } from "../contract.ts";
import { createCatchUp } from "./catch-up.ts";
import type { DiscordClient } from "./client.ts";
import { createIntake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { isFromPerson } from "./parse.ts";
import { createPlaces, type DescribedChannel } from "./places.ts";
import { createTaking } from "./taking.ts";
import type { Timing } from "./timing.ts";

export interface EventsOptions {
  client: DiscordClient;
  hooks: ConnectionHooks;
  journal: Journal;
  timing: Timing;
  signal: AbortSignal;
  /** A session has begun, or goes on. */
  onReady(bot: BotIdentity): void;
}

/**
 * Takes the events of a session in the order in which they come, and hands on what people do. With a new session, the channels
 * that were heard of before are asked for what came in between.
 */
export function createEvents(options: EventsOptions): (event: GatewayDispatchPayload) => void {
  const { client, hooks, journal, signal, onReady } = options;
  const intake = createIntake(options);
  const places = createPlaces(client);
  let bot = journal.session?.bot;
  const taking = createTaking({ ...options, places, botId: () => bot?.id ?? "" });
  const catchUp = createCatchUp({ client, journal, signal, take: taking.message });

  function begin(ready: GatewayReadyDispatchData, sequence: number): void {
    bot = { id: ready.user.id, name: ready.user.username };
    journal.begin({ id: ready.session_id, resumeUrl: ready.resume_gateway_url, sequence, bot });
    onReady(bot);
    for (const channel of journal.channels()) intake.add(channel, () => catchUp(channel), true);
  }

  function written(message: GatewayMessageCreateDispatchData): void {
    if (!isFromPerson(message)) return;
    journal.expect(message.channel_id, message.id);
    intake.add(message.channel_id, () => taking.message(message));
  }

  function take({ t: type, d: data }: GatewayDispatchPayload): void {
    if (type === Events.Resumed) {
      if (bot !== undefined) onReady(bot);
    } else if (type === Events.MessageCreate) written(data);
    else if (type === Events.InteractionCreate)
      intake.add(data.channel?.id ?? "", () => taking.interaction(data));
    else if (type === Events.GuildCreate)
      places.learn([...(data.channels ?? []), ...(data.threads ?? [])] as DescribedChannel[], data.id);
    else if (type === Events.ThreadListSync) places.learn(data.threads as DescribedChannel[], data.guild_id);
    else if (type === Events.ChannelCreate || type === Events.ThreadCreate)
      places.learn([data as DescribedChannel]);
  }

  /** What has another form than Discord says would come again with every new connection. */
  function takeIfReadable(event: GatewayDispatchPayload): void {
    try {
      take(event);
    } catch (error) {
      hooks.log("warn", "an event of Discord's cannot be read and is left out", { type: event.t, error });
    }
  }

  return (event) => {
    if (event.t === Events.Ready) {
      begin(event.d, event.s);
      journal.save(); // at once: a process that ends before it is saved would never hear of what comes next
      return;
    }
    if (journal.received(event.s)) takeIfReadable(event);
    journal.saveSoon();
  };
}
