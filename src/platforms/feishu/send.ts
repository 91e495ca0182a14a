import { type OutboundMessage, type PlatformAdapter, PlatformError } from "../contract.ts";
import type { FeishuApi } from "./api.ts";
import { type CardContent, cardOf, postOf } from "./card.ts";
import { isCardFault } from "./errors.ts";
import { cardPart, MAX_WITHDRAWN, type Messages, uuidOf } from "./messages.ts";
import { fromSentId, type SentMessage, toSentId } from "./sent-id.ts";
import type { Streams } from "./streams.ts";
import type { Timing } from "./timing.ts";
import { type Uploaded, upload, uploadAsFile } from "./upload.ts";

/** What sending works with. */
export interface SendParts {
  api: FeishuApi;
  messages: Messages;
  streams: Streams;
  timing: Timing;
}

type Sending = Required<Pick<PlatformAdapter, "send" | "edit" | "remove">>;

/** What becomes of messages that go out. */
export function createSending(parts: SendParts): Sending {
  const { api, messages, streams, timing } = parts;

  const contentOf = ({ markdown, buttons, address, scope }: OutboundMessage): CardContent => ({
    markdown,
    ...(buttons === undefined ? {} : { buttons }),
    ...(address.thread === undefined ? {} : { thread: address.thread }),
    ...(scope === undefined ? {} : { scope }),
  });

  const sendText = async (message: OutboundMessage, signal: AbortSignal): Promise<SentMessage> => {
    if (message.isPartial || streams.isBegun(message)) {
      const started = await streams.start(message, signal);
      if (started?.form.type === "growing" && !message.isPartial)
        await streams.grow(started.form.cardId, contentOf(message), false, signal);
      if (started !== null) return started;
    }
    return sendCard(message, signal);
  };

  const sendCard = async (message: OutboundMessage, signal: AbortSignal): Promise<SentMessage> => {
    const { address, replyTo, idempotencyId, markdown } = message;
    const card = cardOf(contentOf(message));
    const place = { address, replyTo };
    try {
      for (let withdrawn = 0; ; withdrawn++) {
        const uuid = uuidOf(idempotencyId, cardPart(withdrawn));
        const sent = await messages.create({ ...place, type: "interactive", content: card, uuid }, signal);
        const { messageId } = sent;
        const isShown = !sent.isRepeat || (await canReplace(messageId, card, signal));
        if (isShown || withdrawn === MAX_WITHDRAWN) return { messageId, form: { type: "card" } };
        await messages.remove(messageId, signal);
      }
    } catch (error) {
      if (!isCardFault(error)) throw error;
      const uuid = uuidOf(idempotencyId, "post");
      const { messageId } = await messages.create(
        { ...place, type: "post", content: postOf(markdown), uuid },
        signal,
      );
      return { messageId, form: { type: "post" } };
    }
  };

  /** False for what cannot show the card: one that grew in an earlier process, or a message that is withdrawn. */
  const canReplace = async (
    messageId: string,
    card: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<boolean> => {
    try {
      await messages.replaceCard(messageId, card, signal);
      return true;
    } catch (error) {
      if (error instanceof PlatformError && error.kind === "refused" && !isCardFault(error)) return false;
      throw error;
    }
  };

  const sendFile = async (
    { address, idempotencyId }: OutboundMessage,
    replyTo: string | undefined,
    uploaded: Uploaded,
    index: number,
    signal: AbortSignal,
  ): Promise<SentMessage> => {
    const send = ({ type, content }: Uploaded, part: string) =>
      messages.create({ address, replyTo, type, content, uuid: uuidOf(idempotencyId, part) }, signal);
    const { messageId } = await send(uploaded, `file ${index}`).catch(async (error: unknown) => {
      const isRefused = error instanceof PlatformError && error.kind === "refused";
      if (!isRefused || uploaded.type === "file") throw error;
      // What Feishu does not take as a picture, a sound or a film is sent as a file.
      return send(await uploadAsFile(api, uploaded.file, timing, signal), `file ${index} as a file`);
    });
    return { messageId, form: { type: "file" } };
  };

  return {
    async send(message, signal) {
      const { markdown, buttons = [], files = [] } = message;
      // The bytes go first: when that fails, nothing is to be seen yet.
      const uploads: Uploaded[] = [];
      for (const file of files) uploads.push(await upload(api, file, timing, signal));
      const hasText = markdown.trim() !== "" || buttons.length > 0;
      let sent = hasText ? await sendText(message, signal) : null;
      // A try after a failure sends everything again; Feishu shows none of it twice.
      for (const [index, uploaded] of uploads.entries()) {
        const file = await sendFile(
          message,
          sent === null ? message.replyTo : undefined,
          uploaded,
          index,
          signal,
        );
        sent ??= file;
      }
      if (sent === null) throw new PlatformError("refused", "There is nothing to send.");
      return { messageId: toSentId(sent) };
    },

    async edit({ messageId: sentId }, message, signal) {
      const { messageId, form } = fromSentId(sentId);
      const { isPartial = false, markdown } = message;
      if (form.type === "growing") return streams.grow(form.cardId, contentOf(message), isPartial, signal);
      if (form.type === "card") return messages.replaceCard(messageId, cardOf(contentOf(message)), signal);
      if (form.type === "file") throw new PlatformError("refused", "A file that was sent cannot be changed.");
      // It can be changed a few times only: the last one counts.
      if (!isPartial) await messages.replacePost(messageId, postOf(markdown), signal);
    },

    remove: (_address, { messageId }, signal) => messages.remove(fromSentId(messageId).messageId, signal),
  };
}
