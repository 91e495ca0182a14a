import { setNewest } from "../../lib/newest.ts";
import { type OutboundMessage, type PlatformAdapter, PlatformError, type Sent } from "../contract.ts";
import { adapting, type Form, textOf } from "./adapt.ts";
import type { TelegramClient } from "./client.ts";
import { answered, NOT_MODIFIED, NOTHING_TO_DELETE } from "./errors.ts";
import { chatOf, keyboardOf, placeOf, topicOf } from "./place.ts";
import { fitsCaption, sendFile } from "./upload.ts";

/** Messages of several requests whose beginnings are remembered. */
const MAX_UNFINISHED = 200;

type Sending = Required<Pick<PlatformAdapter, "send" | "edit" | "draft" | "remove">>;

/** A message of several requests, as far as it was sent. */
interface Progress {
  sent: Sent | null;
  files: number;
}

/** What becomes of messages that go out. */
export function createSending(client: TelegramClient, uploadMs: number): Sending {
  const unfinished = new Map<string, Progress>();

  const sendText = async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    const { message_id: id } = await adapting(message, (form) =>
      client.call(
        (api, ended) =>
          api.sendMessage({ ...placeOf(message, form.isInTopic), ...bodyOf(message, form) }, ended),
        { signal, retries: true },
      ),
    );
    return { messageId: String(id) };
  };

  /** A try after a failure goes on where the one before stopped, so that nobody gets the text twice. */
  const sendAll = async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    const { markdown, files = [], idempotencyId } = message;
    const progress = unfinished.get(idempotencyId) ?? { sent: null, files: 0 };
    setNewest(unfinished, idempotencyId, progress, MAX_UNFINISHED);
    const isCaption = files.length === 1 && fitsCaption(markdown);
    if (!isCaption && markdown.trim() !== "") progress.sent ??= await sendText(message, signal);
    for (const file of files.slice(progress.files)) {
      const sent = await sendFile({ client, message, file, isCaption, timeoutMs: uploadMs, signal });
      progress.sent ??= sent;
      progress.files += 1;
    }
    if (progress.sent === null) throw new PlatformError("refused", "There is nothing to send.");
    unfinished.delete(idempotencyId);
    return progress.sent;
  };

  return {
    send: (message, signal) => (message.files?.length ? sendAll(message, signal) : sendText(message, signal)),

    async edit({ messageId }, message, signal) {
      const place = { chat_id: chatOf(message.address), message_id: Number(messageId) };
      await adapting(message, (form) =>
        client.call((api, ended) => api.editMessageText({ ...place, ...bodyOf(message, form) }, ended), {
          signal,
          retries: true,
        }),
      ).catch(unlessAnswered(NOT_MODIFIED));
    },

    async draft(message, signal) {
      const chat = chatOf(message.address);
      if (typeof chat !== "number" || chat < 0) return false; // only private chats have drafts
      const place = {
        chat_id: chat,
        draft_id: draftIdOf(message),
        can_stop: true,
        ...topicOf(message.address),
      };
      try {
        await adapting(message, (form) =>
          client.call((api, ended) => api.sendMessageDraft({ ...place, ...textOf(message, form) }, ended), {
            signal,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof PlatformError && error.kind === "refused") return false;
        throw error;
      }
    },

    async remove(address, { messageId }, signal) {
      await client
        .call(
          (api, ended) =>
            api.deleteMessage({ chat_id: chatOf(address), message_id: Number(messageId) }, ended),
          { signal, retries: true },
        )
        .catch(unlessAnswered(NOTHING_TO_DELETE));
    },
  };
}

/** The text and the buttons. A message that is still growing shows no previews, which would come and go with its links. */
function bodyOf(message: OutboundMessage, form: Form) {
  return {
    ...textOf(message, form),
    ...keyboardOf(message.buttons),
    ...(message.isPartial ? { link_preview_options: { is_disabled: true } } : {}),
  };
}

/** Lets pass what Telegram refuses in these words. */
function unlessAnswered(words: RegExp): (error: unknown) => void {
  return (error) => {
    if (!answered(error, words)) throw error;
  };
}

/** The same number, and not 0, at every step of one answer. */
function draftIdOf({ idempotencyId }: OutboundMessage): number {
  return Bun.hash.xxHash32(idempotencyId) >>> 1 || 1;
}
