import { hash } from "node:crypto";
import { type OutboundFile, type OutboundMessage, PlatformError, type Sent } from "../../contract.ts";
import type { Fields } from "../../fields.ts";
import { createInSteps } from "../../in-steps.ts";
import { mediaKindOf } from "../../weixin-media.ts";
import { areRefused, buttonCard } from "../card.ts";
import { toBotMarkdown } from "../render.ts";
import type { Exchanges } from "./exchanges.ts";
import { isTooLate, type Request, type Streams } from "./streams.ts";
import { uploadFile } from "./upload.ts";

/** What sending works with. */
export interface BotSendingParts {
  exchanges: Exchanges;
  streams: Streams;
  request: Request;
  /** For one piece of a file. */
  chunkMs: number;
  log(message: string, fields: Record<string, unknown>): void;
}

/** The ids of messages that are whole begin with this, and go on with what they show: they cannot be changed any more. */
const WHOLE = "whole_";

/** Answers in place where that is possible, by a stream; writes messages of their own elsewhere. */
export function createBotSending({ exchanges, streams, request, chunkMs, log }: BotSendingParts) {
  const inSteps = createInSteps<Sent>();

  const push = (chat: string, content: Fields) => request("aibot_send_msg", { chatid: chat, ...content }, {});

  /** Null where nothing can be answered in place. */
  async function answer(message: OutboundMessage, text: string): Promise<Sent | null> {
    const { address, replyTo, recipient, isPartial = false, idempotencyId: by } = message;
    if (recipient === undefined || !isFirstPart(message)) return null;
    const exchange = exchanges.answerable(address.chat, { by, msgId: replyTo, user: recipient.user });
    if (exchange === null) return null;
    try {
      const { id } = await streams.answer(exchange, by, text, !isPartial);
      return { messageId: isPartial ? id : wholeId(text) };
    } catch (error) {
      if (isTooLate(error)) return null;
      throw error;
    }
  }

  async function sendText(message: OutboundMessage): Promise<Sent> {
    const text = toBotMarkdown(message.markdown);
    const sent = await answer(message, text);
    if (sent !== null) return sent;
    if (message.isPartial) throw new PlatformError("refused", "Only an answer in place can grow.");
    await push(message.address.chat, { msgtype: "markdown", markdown: { content: text } });
    return { messageId: wholeId(text) };
  }

  async function sendButtons(message: OutboundMessage): Promise<Sent> {
    await push(message.address.chat, buttonCard(message)).catch((error: unknown) => {
      if (!areRefused(error)) throw error;
      log("the buttons of a message are left out", { error });
    });
    return { messageId: wholeId(message.idempotencyId) };
  }

  async function sendFile({ address }: OutboundMessage, file: OutboundFile, signal: AbortSignal) {
    const kind = mediaKindOf(file);
    const id = await uploadFile(request, kind, file, chunkMs, signal);
    await push(address.chat, { msgtype: kind, [kind]: { media_id: id } });
    return { messageId: wholeId(file.name) };
  }

  return {
    async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
      const { markdown, buttons = [], files = [], idempotencyId } = message;
      const [sent] = await inSteps(idempotencyId, [
        ...(markdown.trim() === "" ? [] : [() => sendText(message)]),
        ...(buttons.length === 0 ? [] : [() => sendButtons(message)]),
        ...files.map((file) => () => sendFile(message, file, signal)),
      ]);
      if (sent === undefined) throw new PlatformError("refused", "There is nothing to send.");
      return sent;
    },

    /** Brings an answer that grows to a text. Rejects with `refused` for any other message, unless it shows that already. */
    async edit({ messageId }: Sent, { markdown, isPartial = false }: OutboundMessage): Promise<void> {
      const text = toBotMarkdown(markdown);
      if (messageId === wholeId(text)) return;
      const stream = exchanges.stream(messageId);
      if (stream === null) throw new PlatformError("refused", "The message cannot be changed any more.");
      await streams.grow(stream, text, !isPartial);
    },
  };
}

/** The parts of an answer end in `:0`, `:1` and so on; only one of them can take the place of the sign of being at work. */
function isFirstPart({ idempotencyId }: OutboundMessage): boolean {
  return idempotencyId.endsWith(":0");
}

function wholeId(text: string): string {
  return WHOLE + hash("sha256", text, "base64url").slice(0, 32);
}
