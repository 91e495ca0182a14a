import { randomInt } from "node:crypto";
import type { Agent, TurnRequest } from "../../agent/contract.ts";
import { type Account, accountLabel } from "../../config/accounts.ts";
import type { LiveConfig } from "../../config/live.ts";
import { AppError } from "../../lib/errors.ts";
import { derivedId } from "../../lib/ids.ts";
import { createInOrder } from "../../lib/in-order.ts";
import type { Log } from "../../lib/log.ts";
import type { ModelRouter } from "../../models/contract.ts";
import type { InboundEvent, InboundMessage } from "../../platforms/contract.ts";
import type { Store } from "../../store/contract.ts";
import type { ChatState, NewOutboundDelivery } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import type { DeliveryExtra } from "../extra.ts";
import { followMove } from "../moves.ts";
import { failureOf, wordsIn } from "../words.ts";
import { accessOf, isListedUser } from "./access.ts";
import { type CommandCall, commandIn } from "./command-call.ts";
import { runCommand } from "./commands.ts";
import { chatPrefix, type Place, placeOf, sessionKeyOf } from "./place.ts";
import { pressButton } from "./press.ts";
import { turnOf } from "./turn.ts";

/** Without letters and digits that look alike. */
const CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_CHARS = 8;
const RARELY_MS = 600_000;
/** Refusals that pass: the platform shall deliver the message again. */
const PASSING: ReadonlySet<string> = new Set([
  "overloaded",
  "shutting_down",
  "store_unavailable",
  "internal",
]);

/** What receiving works with. */
export interface ReceiveParts {
  config: LiveConfig;
  store: Store;
  agent: Agent;
  models: ModelRouter;
  log: Log;
  /** Takes over what is to be sent; it is on disk already. */
  deliver(delivery: NewOutboundDelivery): void;
  /** What an account may send besides text, as the agent is told of it. */
  canSendFiles(account: Account, place: Place): boolean;
}

/** Takes events in. Resolves once the event is on disk or refused for good; rejects when it has to come again. */
export type Receive = (connection: Connection, event: InboundEvent) => Promise<void>;

/** An event with what is known of it. */
interface Received {
  connection: Connection;
  message: InboundMessage;
  place: Place;
}

/** Events of one chat are taken in the order in which they came; those of different chats side by side. */
export function createReceive(parts: ReceiveParts): Receive {
  const { config, store, agent, log } = parts;
  const inOrder = createInOrder();

  async function receive(connection: Connection, message: InboundMessage): Promise<void> {
    const { account } = connection;
    const { settings } = account;
    const isPaired = () => store.pairings.isApproved(account.platform, account.name, message.sender.id);
    const formerIds = await formerIdsOf(account, message);
    const access = await accessOf(settings, message, isPaired, formerIds);
    log.debug("message received", {
      account: accountLabel(account),
      id: message.id,
      chat: message.address.chat,
      sender: message.sender.id,
      access,
      text: message.text,
    });
    if (access === "ignore") return;
    const home = connection.platform.homeLanguage?.(settings);
    const received = { connection, message, place: placeOf(account, message, formerIds, home) };
    if (access === "pair") return offerCode(received);
    const { button } = message;
    if (button === undefined) return takeIn(received);
    await doOnce(received, async (begunAtMs) => {
      const text = await pressButton({ ...message, button }, received.place, parts);
      return begunAtMs === null ? text : null; // what it decided then is decided already
    });
  }

  /** Direct chats keep their ids; and in groups many write whom nobody listens to, whatever the group was called. */
  async function formerIdsOf({ platform, name, settings }: Account, message: InboundMessage) {
    const { scope, address, sender } = message;
    if (scope === "direct" || !isListedUser(settings, sender.id)) return [];
    return await store.chats.formerIds(platform, name, address.chat);
  }

  /** A command is done at once, anything else becomes a turn. */
  async function takeIn(received: Received): Promise<void> {
    const { message, place } = received;
    const chat = await store.chats.get(place.chatKey);
    const command = commandIn(message.text);
    if (command !== null && (message.files ?? []).length === 0)
      return doOnce(received, (begunAtMs) =>
        runCommand({ ...callOf(received, chat), ...command, begunAtMs }, parts),
      );
    if (saysNothing(message)) return;
    try {
      await ask(received, chat);
    } catch (error) {
      if (!(error instanceof AppError) || PASSING.has(error.code)) throw error;
      const text = wordsIn(place.language).failed(failureOf(error));
      await (error.code === "rate_limited" ? sayRarely(received, text) : say(received, text));
    }
  }

  /**
   * Does what a message asks for at once, and says what comes of it: not again when the message comes again. Only after a crash in
   * the middle it is done a second time; `begunAtMs` tells then when it was begun, and is null otherwise.
   */
  async function doOnce(
    received: Received,
    work: (begunAtMs: number | null) => Promise<string | null>,
  ): Promise<void> {
    const { source, ...delivery } = deliveryOf(received);
    const begunAtMs = await store.inbox.begin({ ...delivery, source: `${source}/command` });
    const isDone =
      begunAtMs !== null && (await store.deliveries.get(replyTo(received, "notice").id)) !== null;
    if (!isDone) await say(received, await work(begunAtMs));
  }

  function callOf(received: Received, chat: ChatState): Omit<CommandCall, "name" | "rest" | "begunAtMs"> {
    const { connection, message, place } = received;
    return {
      message,
      place,
      chat,
      sessionId: chat.sessionId ?? place.sessionId,
      delivery: deliveryOf(received),
      bot: connection.health.bot?.name ?? null,
      isListed: isListedUser(connection.account.settings, message.sender.id),
      retry: () => ask(received, chat, { replacesLastTurn: true }),
    };
  }

  async function ask(received: Received, chat: ChatState, more: Partial<TurnRequest> = {}): Promise<void> {
    const { connection, message, place } = received;
    const sessionId = chat.sessionId ?? place.sessionId;
    const { busy } = config.current.gateway;
    const before = busy === "interrupt" ? await store.runs.openOf(sessionKeyOf(place, sessionId)) : [];
    const reply = replyTo(received, "answer");
    const { run, duplicate } = await agent.accept({
      ...turnOf({ account: connection.account, message, place, chat, sessionId }, parts),
      delivery: deliveryOf(received),
      reply,
      ...(busy === "steer" ? { joinsRunning: true } : {}),
      ...more,
    });
    // One that came before was taken on, and its process may have died before it interrupted anything.
    const older = duplicate
      ? before.slice(
          0,
          Math.max(
            0,
            before.findIndex(({ id }) => id === run.id),
          ),
        )
      : before;
    for (const { id } of older) await agent.cancel(id);
    if (duplicate) return;
    parts.deliver({ ...reply, runId: run.id });
  }

  async function offerCode(received: Received): Promise<void> {
    const { connection, message, place } = received;
    const { platform, name: account } = connection.account;
    const { sender, address } = message;
    const reply = replyTo(received, "notice");
    const { extra } = reply;
    const person = { platform, account, userId: sender.id, name: sender.name, chat: address.chat, extra };
    const tell = (code: string): NewOutboundDelivery => ({
      ...reply,
      text: wordsIn(place.language).pairingCode(code, `hermes pairing approve ${platform} ${code}`),
    });
    const offered = await store.pairings.request(person, newCode, tell);
    if (offered.outcome !== "code") {
      log.debug("no code was given", { account: accountLabel(connection.account), ...offered });
      return;
    }
    parts.deliver(tell(offered.code));
  }

  /** Hermes's own words as an answer to a message: said once, however often the message comes. */
  async function say(received: Received, text: string | null): Promise<void> {
    if (text === null) return;
    const notice: NewOutboundDelivery = { ...replyTo(received, "notice"), text };
    if (await store.deliveries.add(notice)) parts.deliver(notice);
  }

  /** What would be said to every message of a flood. */
  async function sayRarely(received: Received, text: string): Promise<void> {
    const slot = String(Math.floor(Date.now() / RARELY_MS));
    const id = derivedId("dlv", received.place.chatKey, slot, text);
    if (await isTaken(received)) return;
    const notice: NewOutboundDelivery = { ...replyTo(received, "notice"), id, text };
    if (await store.deliveries.add(notice)) parts.deliver(notice);
  }

  /** Whether it is answered already, or will be. */
  async function isTaken(received: Received): Promise<boolean> {
    return (await store.deliveries.get(replyTo(received, "answer").id)) !== null;
  }

  return (connection, event) => {
    const label = accountLabel(connection.account);
    if (event.type === "message")
      return inOrder(chatPrefix(label, event.address.chat), () => receive(connection, event));
    const moved = inOrder(chatPrefix(label, event.from), () =>
      followMove(parts, connection.account, event.from, event.to),
    );
    return inOrder(chatPrefix(label, event.to), () => moved); // what comes from there waits until it is known
  };
}

/** True for a mention of the bot alone, and the like. */
function saysNothing({ text, quoted, forwarded, files = [] }: InboundMessage): boolean {
  return files.length === 0 && [text, quoted?.text, forwarded?.text].every((said = "") => said.trim() === "");
}

/** The delivery of a message: the same however often the platform delivers it. */
function deliveryOf({ connection, message }: Received): CommandCall["delivery"] {
  return { source: `gateway:${accountLabel(connection.account)}`, id: message.id, fingerprint: "" };
}

function replyTo(received: Received, kind: "answer" | "notice"): NewOutboundDelivery {
  const { message, place } = received;
  const { source, id } = deliveryOf(received);
  const { user, space } = { user: message.sender.id, space: message.spaces?.[0] };
  const extra: DeliveryExtra = {
    language: place.language,
    scope: place.scope,
    recipient: { user, ...(space === undefined ? {} : { space }) },
    ...(message.messageId === undefined ? {} : { askedWith: message.messageId }),
    caller: place.caller,
  };
  return { id: derivedId("dlv", source, id), kind, target: place.target, extra };
}

function newCode(): string {
  return Array.from({ length: CODE_CHARS }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join("");
}
