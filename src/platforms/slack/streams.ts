import { addNewest, setNewest } from "../../lib/newest.ts";
import { type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { slackCode } from "./errors.ts";
import { grownWithoutMentions, withoutMentions } from "./message.ts";
import {
  endStream,
  extendStream,
  MAX_MARKDOWN_CHARS,
  type StreamedText,
  startStream,
} from "./stream-calls.ts";

/** What is kept of streams and chats; the oldest goes first. */
const MAX_KEPT = 1000;
/** Slack ends every stream after about so long by itself. */
const LIFETIME_MS = 300_000;
/** Errors that hold for the workspace or the app, not for one chat. */
const NOWHERE: ReadonlySet<string> = new Set([
  "unknown_method",
  "method_deprecated",
  "deprecated_endpoint",
  "feature_not_enabled",
  "missing_scope",
  "not_allowed",
  "enterprise_is_restricted",
]);

/**
 * Answers that grow by Slack's own streams (docs.slack.dev/reference/methods/chat.startStream): only ever at their end, in a
 * thread, and at most for some minutes. Where a stream cannot do something, the caller edits the message instead.
 */
export interface Streams {
  /** Begins a growing message; null where there can be no stream: then it is posted. */
  start(message: OutboundMessage, signal: AbortSignal): Promise<Sent | null>;
  /**
   * Brings a message that is a stream of this process to a text. False when it is none, or cannot become that text: then the
   * message has to be edited, and is no stream any more.
   */
  grow(sent: Sent, message: OutboundMessage, signal: AbortSignal): Promise<boolean>;
  /** Ends the stream that a message is, whoever began it. One that has ended already is no error. */
  end(channel: string, sent: Sent, signal: AbortSignal): Promise<void>;
  /** True for a stream of this process. */
  isOpen(channel: string, sent: Sent): boolean;
  /** True while a message grows in this thread. */
  isOpenIn(channel: string, thread: string): boolean;
}

interface Open extends StreamedText {
  channel: string;
  thread: string;
  startedAtMs: number;
}

/** `Streams` for one account. */
export function createStreams(api: SlackApi): Streams {
  const open = new Map<string, Open>();
  const places = createPlaces();

  async function end(channel: string, sent: Sent, signal: AbortSignal): Promise<void> {
    open.delete(keyOf(channel, sent));
    await endStream(api, channel, sent, signal);
  }

  async function start(message: OutboundMessage, signal: AbortSignal): Promise<Sent | null> {
    const { chat: channel, thread = "" } = message.address;
    const text = grownWithoutMentions(message.markdown);
    if (!places.allow(message) || text.trim() === "" || text.length > MAX_MARKDOWN_CHARS) return null;
    try {
      const sent = await startStream(api, message, text, signal);
      const stream = { channel, thread, text, startedAtMs: Date.now() };
      setNewest(open, keyOf(channel, sent), stream, MAX_KEPT);
      return sent;
    } catch (error) {
      if (places.refuse(error, channel)) return null;
      throw error;
    }
  }

  async function grow(sent: Sent, message: OutboundMessage, signal: AbortSignal): Promise<boolean> {
    const { chat: channel } = message.address;
    const stream = open.get(keyOf(channel, sent));
    if (stream === undefined) return false;
    const whole = withoutMentions(message.markdown);
    if (!whole.startsWith(stream.text)) {
      await end(channel, sent, signal);
      return false;
    }
    const goal = message.isPartial ? grownWithoutMentions(message.markdown) : whole;
    try {
      await extendStream(api, sent, message, stream, goal, signal);
      if (!message.isPartial) open.delete(keyOf(channel, sent));
      return true;
    } catch (error) {
      if (error instanceof PlatformError && error.kind === "rate_limited") throw error;
      // Nobody knows what Slack has of it now, or it takes no more: the whole text has to be set.
      open.delete(keyOf(channel, sent));
      if (error instanceof PlatformError && error.kind === "refused") return false;
      throw error;
    }
  }

  return {
    start,
    grow,
    end,
    isOpen: (channel, sent) => open.has(keyOf(channel, sent)),
    isOpenIn: (channel, thread) =>
      [...open.values()].some(
        (stream) =>
          stream.channel === channel &&
          stream.thread === thread &&
          Date.now() - stream.startedAtMs < LIFETIME_MS,
      ),
  };
}

/** Remembers where Slack takes no streams. */
function createPlaces() {
  const without = new Set<string>();
  let areThereAny = true;
  return {
    allow({ address, recipient, buttons = [], files = [] }: OutboundMessage): boolean {
      const isPlain = buttons.length === 0 && files.length === 0;
      const isInThread = address.thread !== undefined && recipient !== undefined;
      return areThereAny && isPlain && isInThread && !without.has(address.chat);
    },
    /** Whether the message can be posted instead, after the start of a stream failed in this way. */
    refuse(error: unknown, channel: string): boolean {
      if (!(error instanceof PlatformError)) return false;
      // Slack starts far fewer streams a minute than it takes messages.
      if (error.kind === "rate_limited") return true;
      if (error.kind !== "refused") return false;
      if (NOWHERE.has(slackCode(error))) areThereAny = false;
      else addNewest(without, channel, MAX_KEPT);
      return true;
    },
  };
}

function keyOf(channel: string, { messageId }: Sent): string {
  return `${channel}:${messageId}`;
}
