import {
  type APIAttachment,
  type APIMessage,
  type APIMessageSnapshotFields,
  ChannelType,
  type GatewayMessageCreateDispatchData,
  MessageFlags,
  MessageType,
} from "@discordjs/core/http-only";
import type { FileKind, InboundFile, InboundMessage } from "../contract.ts";
import { mentionsBot, nameOf, readableText } from "./text.ts";

/** A message as the gateway sends it, or as the REST API lists it: that does not say in what kind of channel of which server. */
export type DiscordMessage = APIMessage &
  Partial<Pick<GatewayMessageCreateDispatchData, "guild_id" | "member" | "channel_type">>;

/** Where a channel is, as far as it is known. */
export interface Place {
  /** Nobody but one person and the bot reads along. */
  isDirect?: boolean;
  /** The server that it is in. */
  guild?: string | undefined;
  /** The channel that a thread is in. */
  parent?: string | undefined;
}

/** False for what the bot itself, other bots, webhooks and Discord write. */
export function isFromPerson({ type, author, webhook_id: webhook }: DiscordMessage): boolean {
  const isWritten = type === MessageType.Default || type === MessageType.Reply;
  return isWritten && author.bot !== true && author.system !== true && webhook === undefined;
}

/** What a person wrote, as the gateway knows it; null when nothing of it can be shown and it says nothing to the bot. */
export function parseMessage(message: DiscordMessage, place: Place, botId: string): InboundMessage | null {
  const { id, channel_id: chat, author, member, referenced_message: referenced, content } = message;
  const guild = message.guild_id ?? place.guild;
  const files = filesOf(message);
  const text = textOf(message, botId);
  const forwarded = forwardedText(message, botId);
  const isReplyToBot = referenced?.author.id === botId;
  const isMentioned = mentionsBot(content, botId);
  const isDirect =
    guild === undefined && (place.isDirect === true || message.channel_type === ChannelType.DM);
  if (text === "" && forwarded === "" && files.length === 0 && !isMentioned) return null;
  return {
    type: "message",
    id,
    address: { chat },
    ...(isDirect ? { scope: "direct" } : { scope: "group", spaces: spacesOf(guild, place) }),
    sender: { id: author.id, name: nameOf(author, member) },
    text,
    isForBot: isDirect || isMentioned || isReplyToBot,
    messageId: id,
    ...(referenced ? { quoted: { text: allTextOf(referenced, botId), isFromBot: isReplyToBot } } : {}),
    ...(forwarded === "" ? {} : { forwarded: { text: forwarded } }),
    ...(files.length === 0 ? {} : { files }),
  };
}

function spacesOf(guild: string | undefined, { parent }: Place): string[] {
  return [guild, parent].filter((space) => space !== undefined);
}

/** The text, and stickers by their name. */
function textOf(message: APIMessage, botId: string): string {
  const stickers = (message.sticker_items ?? []).map(({ name }) => `:${name}:`);
  return joined([readableText(message.content, message.mentions, botId), ...stickers]);
}

/** What is passed on in the message; empty when nothing is. */
function forwardedText(message: APIMessage, botId: string): string {
  return joined(snapshotsOf(message).map(({ content }) => readableText(content, [], botId)));
}

function allTextOf(message: APIMessage, botId: string): string {
  return joined([textOf(message, botId), forwardedText(message, botId)]);
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n");
}

function snapshotsOf({ message_snapshots: snapshots = [] }: APIMessage): APIMessageSnapshotFields[] {
  return snapshots.map(({ message }) => message);
}

function filesOf(message: APIMessage): InboundFile[] {
  const isVoice = ((message.flags ?? 0) & MessageFlags.IsVoiceMessage) !== 0;
  const own = message.attachments.map((attachment) => fileOf(attachment, isVoice));
  const foreign = snapshotsOf(message).flatMap(({ attachments }) => attachments);
  return [...own, ...foreign.map((attachment) => fileOf(attachment, false))];
}

function fileOf(
  { url, filename, content_type: mediaType, size }: APIAttachment,
  isVoice: boolean,
): InboundFile {
  return {
    kind: isVoice ? "voice" : kindOf(mediaType),
    ref: url,
    name: filename,
    sizeBytes: size,
    ...(mediaType === undefined ? {} : { mediaType }),
  };
}

function kindOf(mediaType = ""): FileKind {
  if (mediaType.startsWith("image/")) return "image";
  if (mediaType.startsWith("audio/")) return "audio";
  return mediaType.startsWith("video/") ? "video" : "document";
}
