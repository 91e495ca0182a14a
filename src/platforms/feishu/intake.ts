import { type ConnectionHooks, type InboundMessage, PlatformError } from "../contract.ts";
import { fieldsOf } from "../fields.ts";
import { asForeign } from "../foreign-files.ts";
import type { FeishuApi } from "./api.ts";
import { readEarlier, readForwarded } from "./history.ts";
import type { Identify } from "./identity.ts";
import { eventTypeOf, parseMessage, parsePress, type Received } from "./parse.ts";
import type { People } from "./people.ts";
import type { Timing } from "./timing.ts";

type Hooks = Pick<ConnectionHooks, "emit" | "log">;

/** The id of a bot that is not known yet. */
const NOBODY = "";

/** Resolves once what an event says is on disk, or says nothing to be kept; rejects when it has to come again. */
export type TakeEvent = (event: unknown, hooks: Hooks) => Promise<void>;

/** What taking events works with. */
export interface IntakeParts {
  api: FeishuApi;
  identify: Identify;
  people: People;
  timing: Timing;
}

/**
 * Takes the events of both transports. What a message does not tell itself is asked for, for a short time only; the messages of a
 * chat are handed on in the order in which they came all the same.
 */
export function createIntake({ api, identify, people, timing }: IntakeParts): TakeEvent {
  const lines = new Map<string, Promise<void>>();

  const inLine = (message: Promise<InboundMessage>, chat: string, { emit }: Hooks): Promise<void> => {
    const before = lines.get(chat) ?? Promise.resolve();
    message.catch(() => undefined); // told by `handed`, once it is its turn
    // What became of the message before is its own affair.
    const handed = before.then(
      async () => emit(await message),
      async () => emit(await message),
    );
    lines.set(chat, handed);
    const leave = () => void (lines.get(chat) === handed && lines.delete(chat));
    handed.then(leave, leave);
    return handed;
  };

  /** The message with what else is known of it. */
  async function complete(
    { message, repliesTo, isForward }: Received,
    log: Hooks["log"],
  ): Promise<InboundMessage> {
    const signal = AbortSignal.timeout(timing.lookupMs);
    const orNothing = (error: unknown) => {
      if (!(error instanceof PlatformError)) throw error;
      log("debug", "a message that another refers to could not be read", { id: message.id, error });
      return null;
    };
    const [name, earlier, forwarded] = await Promise.all([
      people.nameOf(message.sender.id, signal),
      repliesTo === null ? null : readEarlier(api, repliesTo, signal).catch(orNothing),
      isForward ? readForwarded(api, message.id, signal).catch(orNothing) : null,
    ]);
    const isToBot = earlier?.isFromBot === true;
    // A question about a picture of somebody else's is asked by replying to it.
    const files = message.files ?? (isToBot ? [] : asForeign(earlier?.files ?? []));
    return {
      ...message,
      sender: { ...message.sender, name },
      // Who forwards messages says nothing to them.
      ...(forwarded === null ? {} : { text: "", forwarded: { text: forwarded } }),
      isForBot: message.isForBot || isToBot,
      ...(earlier === null ? {} : { quoted: { text: earlier.text, isFromBot: isToBot } }),
      ...(files.length === 0 ? {} : { files }),
    };
  }

  async function takeMessage(event: unknown, hooks: Hooks): Promise<void> {
    const bot = await identify(AbortSignal.timeout(timing.callMs)).catch(orError);
    const received = parseMessage(event, bot instanceof PlatformError ? NOBODY : bot.openId);
    if (received === null) return;
    // In a group, only who the bot is tells whether it is meant; the message comes again.
    if (bot instanceof PlatformError && received.message.scope === "group") throw bot;
    await inLine(complete(received, hooks.log), received.message.address.chat, hooks);
  }

  async function takePress(event: unknown, { emit }: Hooks): Promise<void> {
    const press = parsePress(event);
    if (press !== null) await emit(press);
  }

  return async (event, hooks) => {
    const type = eventTypeOf(event);
    hooks.log("debug", "event", { type, event: fieldsOf(event)["event"] });
    if (type === "im.message.receive_v1") await takeMessage(event, hooks);
    else if (type === "card.action.trigger") await takePress(event, hooks);
  };
}

function orError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  throw error;
}
