import type { Button, OutboundFile, OutboundMessage } from "../../platforms/contract.ts";
import { PlatformError } from "../../platforms/contract.ts";
import type { DeliveryStore } from "../../store/contract.ts";
import type { OutboundDelivery, SentPart } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import type { Failure } from "../words/contract.ts";
import { failureOf, wordsIn } from "../words.ts";
import type { FileToSend } from "./files.ts";

/** One message of a delivery. */
export interface Content {
  markdown: string;
  buttons?: readonly Button[];
  /** A message with a file is sent once and never edited. */
  file?: FileToSend;
}

/** A delivery that this process sends, and what its messages show. */
export interface Outgoing {
  /** `parts` and `target` follow what happens. */
  delivery: OutboundDelivery;
  /** What each part shows; of parts that another process sent nothing is known. */
  shown: (string | undefined)[];
  /** The part that the platform may have without anybody knowing. */
  unsure?: Unsure | null;
}

/**
 * A part that was sent by an earlier process, or without an answer. Platforms that know a message by its id show it as it came
 * first, however it is sent again.
 */
interface Unsure {
  index: number;
  /** What it shows then; null where that is not known. */
  face: string | null;
}

/**
 * A delivery from the outbox. Whoever had it before may have sent one part more than it could note; only that of an answer may have
 * shown something else than now.
 */
export function resumed(delivery: OutboundDelivery): Outgoing {
  const unsure = { index: delivery.parts.length, face: null };
  return { delivery, shown: [], unsure: delivery.kind === "answer" ? unsure : null };
}

/** Whether a part is short enough for one message of the account. */
export function fitsIn({ platform, account }: Connection): (markdown: string) => boolean {
  return (markdown) => platform.fits(markdown, account.settings);
}

/** How a delivery is brought to its chat. */
export interface ShowOptions {
  connection: Connection;
  store: Pick<DeliveryStore, "recordParts">;
  /** More of it will come. */
  isPartial: boolean;
  /** Waits until a call may be made. False: it may not, and the rest is left for later. */
  mayCall(): Promise<boolean>;
  signal: AbortSignal;
}

/**
 * Makes the messages of a delivery show these contents: sends what is missing, edits what differs, removes what is too much. Each
 * part is on disk before anything else is done, so that after a crash no more than one is sent again, with the same id; all but the
 * last of a whole delivery, which is left to `DeliveryStore.finish`: nothing comes between the two.
 */
export async function show(
  outgoing: Outgoing,
  contents: readonly Content[],
  options: ShowOptions,
): Promise<void> {
  const { delivery, shown } = outgoing;
  for (const [index, content] of contents.entries()) {
    const isPartial = options.isPartial && index === contents.length - 1;
    const face = JSON.stringify([content.markdown, content.buttons ?? [], isPartial]);
    if (shown[index] === face) continue;
    if (delivery.parts[index] === undefined) {
      if (!(await options.mayCall())) return;
      const isNotedAtEnd = !options.isPartial && index === contents.length - 1 && !outgoing.unsure;
      const { isAsSent } = await sendKnowing(outgoing, index, face, async () => {
        await send(outgoing, content, index, isPartial, options);
        if (!isNotedAtEnd) await options.store.recordParts(delivery.id, delivery.parts);
      });
      if (!isAsSent && content.file === undefined && options.connection.can("edit"))
        await edit(outgoing, content, index, isPartial, options);
    } else if (content.file === undefined && options.connection.can("edit")) {
      if (!(await options.mayCall())) return;
      await edit(outgoing, content, index, isPartial, options);
    }
    shown[index] = face;
  }
  if (!options.isPartial) await removeFrom(outgoing, contents.length, options);
}

/** A message of a delivery, ready to be sent. */
export function messageOf(
  { delivery }: Outgoing,
  content: Content,
  index: number,
  isPartial: boolean,
): OutboundMessage {
  const { chat, thread, replyTo } = delivery.target;
  const { recipient, scope } = extraOf(delivery);
  const { markdown, buttons } = content;
  return {
    address: { chat, ...(thread === undefined ? {} : { thread }) },
    ...(delivery.extra === undefined || delivery.kind === "send" ? {} : { scope }),
    markdown,
    idempotencyId: `${delivery.id}:${index}`,
    ...(replyTo === undefined || index > 0 ? {} : { replyTo }),
    ...(buttons === undefined ? {} : { buttons }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(isPartial ? { isPartial } : {}),
  };
}

/** Sends a part, and tells whether it surely shows what was sent. */
async function sendKnowing(
  outgoing: Outgoing,
  index: number,
  face: string,
  send: () => Promise<void>,
): Promise<{ isAsSent: boolean }> {
  const before = outgoing.unsure?.index === index ? outgoing.unsure : null;
  const isAsSent = before === null || before.face === face;
  try {
    await send();
    outgoing.unsure = null;
    return { isAsSent };
  } catch (error) {
    const isRefusal = error instanceof PlatformError && error.kind !== "unavailable";
    outgoing.unsure = isRefusal ? before : { index, face: isAsSent ? face : null };
    throw error;
  }
}

async function send(
  outgoing: Outgoing,
  content: Content,
  index: number,
  isPartial: boolean,
  options: ShowOptions,
): Promise<void> {
  const { delivery } = outgoing;
  const { connection, signal } = options;
  const message: OutboundMessage = {
    ...messageOf(outgoing, content, index, isPartial),
    ...(outgoing.unsure?.index === index ? { mayBeThere: true } : {}),
  };
  const sent = await (content.file === undefined
    ? connection.adapter.send(message, signal)
    : sendFile(content.file, message, delivery, options));
  delivery.parts[index] = { messageId: sent.messageId };
}

/**
 * A file that the platform refuses, or that is gone by now, is told in its place, so that it holds up nothing else; the operator is
 * told it himself.
 */
async function sendFile(
  file: FileToSend,
  message: OutboundMessage,
  delivery: OutboundDelivery,
  options: ShowOptions,
): Promise<SentPart> {
  const isTold = delivery.kind !== "send";
  let read: OutboundFile;
  try {
    read = await file.read();
  } catch (error) {
    if (!isTold) throw error;
    return sendWithout(file, message, delivery, options, failureOf(error));
  }
  try {
    return await options.connection.adapter.send({ ...message, files: [read] }, options.signal);
  } catch (error) {
    const isRefusal = error instanceof PlatformError && error.kind === "refused";
    if (!isRefusal || !isTold) throw error;
    await options.mayCall();
    return sendWithout(file, message, delivery, options, { code: error.kind, message: error.message });
  }
}

async function sendWithout(
  { name }: FileToSend,
  message: OutboundMessage,
  delivery: OutboundDelivery,
  { connection, signal }: ShowOptions,
  why: Failure,
): Promise<SentPart> {
  const told = wordsIn(extraOf(delivery).language).fileLeftOut(name, why);
  const markdown = [message.markdown, told].filter((one) => one !== "").join("\n\n");
  const idempotencyId = `${message.idempotencyId}:without`;
  return connection.adapter.send({ ...message, markdown, idempotencyId }, signal);
}

/** A message that somebody deleted meanwhile is sent anew. */
async function edit(
  outgoing: Outgoing,
  content: Content,
  index: number,
  isPartial: boolean,
  options: ShowOptions,
): Promise<void> {
  const { delivery } = outgoing;
  const part = delivery.parts[index] as SentPart;
  const message = messageOf(outgoing, content, index, isPartial);
  try {
    await options.connection.adapter.edit(part, message, options.signal);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind !== "refused" || isPartial) throw error;
    const again = { ...message, idempotencyId: `${message.idempotencyId}:again` };
    const sent = await options.connection.adapter.send(again, options.signal);
    delivery.parts[index] = { messageId: sent.messageId };
    await options.store.recordParts(delivery.id, delivery.parts);
  }
}

/** Messages that were shown while the answer was longer. */
async function removeFrom(outgoing: Outgoing, count: number, options: ShowOptions): Promise<void> {
  const { delivery, shown } = outgoing;
  const { chat, thread } = delivery.target;
  while (delivery.parts.length > count) {
    const last = delivery.parts.at(-1) as SentPart;
    if (options.connection.can("remove")) {
      if (!(await options.mayCall())) return;
      const address = { chat, ...(thread === undefined ? {} : { thread }) };
      await options.connection.adapter.remove(address, last, options.signal).catch((error: unknown) => {
        if (!(error instanceof PlatformError) || error.kind !== "refused") throw error; // it is gone already
      });
    }
    delivery.parts.pop();
    shown.length = Math.min(shown.length, delivery.parts.length);
  }
}
