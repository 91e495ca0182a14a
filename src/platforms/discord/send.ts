import { createHash } from "node:crypto";
import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  ButtonStyle,
  ComponentType,
  type CreateMessageOptions,
} from "@discordjs/core/http-only";
import {
  type Button,
  type ChatAddress,
  type OutboundMessage,
  type PlatformAdapter,
  PlatformError,
} from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { hasCode, UNKNOWN_MESSAGE } from "./errors.ts";
import { toDiscord } from "./render.ts";

/** No text of a model may ping anybody, whatever it says; nor does an answer ping whom it answers. */
const NO_MENTIONS = { parse: [], replied_user: false };
const MAX_BUTTONS_PER_ROW = 5;
const MAX_LABEL_CHARS = 80;
const NONCE_CHARS = 25;
const STYLES = { good: ButtonStyle.Success, bad: ButtonStyle.Danger } as const;

/** Sends, edits and removes messages. https://discord.com/developers/docs/resources/message#create-message */
export function createSending(client: DiscordClient): Pick<PlatformAdapter, "send"> & {
  edit: NonNullable<PlatformAdapter["edit"]>;
  remove: NonNullable<PlatformAdapter["remove"]>;
} {
  return {
    async send(message, signal) {
      // It may be answered by something else than Discord.
      const { id }: { id?: string } = await client.call(
        (api, ended) =>
          api.channels.createMessage(channelOf(message.address), bodyOf(message), { signal: ended }),
        signal,
      );
      if (id === undefined) throw new PlatformError("unavailable", "Discord told no id of the message.");
      return { messageId: id };
    },
    async edit({ messageId }, message, signal) {
      const { markdown, buttons, address } = message;
      const body = {
        content: toDiscord(markdown),
        components: rowsOf(buttons),
        allowed_mentions: NO_MENTIONS,
      };
      await client.call(
        (api, ended) => api.channels.editMessage(channelOf(address), messageId, body, { signal: ended }),
        signal,
      );
    },
    async remove(address, { messageId }, signal) {
      try {
        await client.call(
          (api, ended) => api.channels.deleteMessage(channelOf(address), messageId, { signal: ended }),
          signal,
        );
      } catch (error) {
        if (!hasCode(error, UNKNOWN_MESSAGE)) throw error; // it is gone already
      }
    },
  };
}

/** A thread of Discord is a channel of its own. */
export function channelOf({ chat, thread }: ChatAddress): string {
  return thread ?? chat;
}

function bodyOf({ markdown, replyTo, buttons, files, idempotencyId }: OutboundMessage): CreateMessageOptions {
  return {
    content: toDiscord(markdown),
    allowed_mentions: NO_MENTIONS,
    // Discord answers a second message with the same nonce with the first one, for some minutes.
    nonce: nonceOf(idempotencyId),
    enforce_nonce: true,
    components: rowsOf(buttons),
    ...(replyTo === undefined
      ? {}
      : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
    ...(files === undefined
      ? {}
      : {
          files: files.map(({ name, mediaType, bytes }) => ({ name, contentType: mediaType, data: bytes })),
        }),
  };
}

/** 25 characters that stand for the id; 150 bits of a digest are enough to be unique. */
function nonceOf(idempotencyId: string): string {
  return createHash("sha256").update(idempotencyId).digest("base64url").slice(0, NONCE_CHARS);
}

function rowsOf(buttons: readonly Button[] = []): APIActionRowComponent<APIButtonComponentWithCustomId>[] {
  const rows: APIActionRowComponent<APIButtonComponentWithCustomId>[] = [];
  for (const [index, { label, value, style }] of buttons.entries()) {
    if (index % MAX_BUTTONS_PER_ROW === 0) rows.push({ type: ComponentType.ActionRow, components: [] });
    rows.at(-1)?.components.push({
      type: ComponentType.Button,
      custom_id: value,
      label: label.slice(0, MAX_LABEL_CHARS),
      style: style === undefined ? ButtonStyle.Secondary : STYLES[style],
    });
  }
  return rows;
}
