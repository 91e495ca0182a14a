import {
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIInteractionResponse,
  ApplicationCommandType,
  ChannelType,
  ComponentType,
  InteractionContextType,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
} from "@discordjs/core/http-only";
import type { InboundMessage, Sender } from "../contract.ts";
import { nameOf } from "./text.ts";

/** The command whose text is a message like any other. */
export const ASK = "ask";
/** The option of every command, for what goes behind its name. */
export const TEXT_OPTION = "text";

/** What comes with every command and button. */
type Pressed = Exclude<APIInteraction, { type: InteractionType.Ping }>;

/** What a command is answered with. Only who used it sees that; the real answer is a message of its own. */
export const TAKEN = { content: "✓", flags: MessageFlags.Ephemeral } as const;

/**
 * How an interaction that was taken is answered, within 3 s; the message with a button stays as it is.
 * https://discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction
 */
export function answerTo({ type }: APIInteraction): APIInteractionResponse {
  return type === InteractionType.MessageComponent
    ? { type: InteractionResponseType.DeferredMessageUpdate }
    : { type: InteractionResponseType.ChannelMessageWithSource, data: TAKEN };
}

/** A command or a press of a button; null for anything else, and for what is said where the bot is not. */
export function parseInteraction(interaction: APIInteraction): InboundMessage | null {
  if (interaction.type === InteractionType.Ping) return null;
  const chat = interaction.channel?.id;
  const user = interaction.member?.user ?? interaction.user;
  if (chat === undefined || user === undefined || isBetweenOthers(interaction)) return null;
  const said = saidBy(interaction);
  if (said === null) return null;
  const { guild_id: guild, member, locale, id } = interaction;
  const sender: Sender = { id: user.id, name: nameOf(user, member), language: locale };
  return {
    type: "message",
    id,
    address: { chat },
    ...(guild === undefined
      ? { scope: "direct" }
      : { scope: "group", spaces: spacesOf(guild, interaction.channel) }),
    sender,
    isForBot: true,
    ...said,
  };
}

/** In a direct chat that the bot is no part of: only who used the command would be known, not who reads along. */
function isBetweenOthers({ guild_id: guild, context }: Pressed): boolean {
  return guild === undefined && context !== undefined && context !== InteractionContextType.BotDM;
}

function saidBy(interaction: Pressed): { text: string; button?: string } | null {
  if (interaction.type === InteractionType.ApplicationCommand) {
    const { data } = interaction;
    return data.type === ApplicationCommandType.ChatInput ? { text: textOf(data) } : null;
  }
  if (interaction.type !== InteractionType.MessageComponent) return null;
  const { component_type: component, custom_id: button } = interaction.data;
  return component === ComponentType.Button ? { text: "", button } : null;
}

function textOf({ name, options = [] }: APIChatInputApplicationCommandInteraction["data"]): string {
  const rest = options.map((option) => ("value" in option ? String(option.value) : "")).join(" ");
  return name === ASK ? rest.trim() : `/${name} ${rest}`.trim();
}

function spacesOf(guild: string, channel: Pressed["channel"]): string[] {
  const parent =
    channel !== undefined && isThread(channel.type) && "parent_id" in channel ? channel.parent_id : null;
  return parent ? [guild, parent] : [guild];
}

/** Threads are channels within channels. */
export function isThread(type: ChannelType | undefined): boolean {
  return (
    type === ChannelType.PublicThread ||
    type === ChannelType.PrivateThread ||
    type === ChannelType.AnnouncementThread
  );
}
