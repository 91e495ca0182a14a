import { randomUUID } from "node:crypto";
import { PlatformError } from "../../contract.ts";
import type { Fields } from "../../fields.ts";
import { weixinCode } from "../../weixin-error.ts";
import type { Timing } from "../timing.ts";
import type { Exchange, Exchanges, Stream } from "./exchanges.ts";

/** Sends a frame over the connection that there is. */
export type Request = (
  cmd: string,
  body: Fields,
  options: { reqId?: string; timeoutMs?: number },
) => Promise<Fields>;

/** Answers that are given in place and may grow. */
export interface Streams {
  /** Shows the text as the answer to this message, for the answer of this id. Rejects with what `isTooLate` knows. */
  answer(exchange: Exchange, by: string, text: string, isWhole: boolean): Promise<Stream>;
  /** Brings a stream to a text. Rejects with `refused`, and with what `isTooLate` knows, where it cannot grow any more. */
  grow(stream: Stream, text: string, isWhole: boolean): Promise<void>;
  /** Shows that the bot is at work in this chat; for as long as it is called again. */
  showWork(chat: string): Promise<void>;
}

export interface StreamsParts {
  exchanges: Exchanges;
  request: Request;
  timing: Timing;
  now(): number;
  log(message: string, fields: Record<string, unknown>): void;
}

/** What WeCom shows as a sign that somebody thinks. */
const THINKING = "<think></think>";
/** What takes the place of that sign when nothing is said; WeCom overlooks what cannot be seen. */
const NOTHING = "—";
/** No message has this id. */
const NOBODY = "";
/** Below an answer that goes on as another message. */
const GOES_ON = "\n\n…";

/** The message cannot be answered, or the stream is too old. */
const GONE: ReadonlySet<number> = new Set([846605, 846608]);

/** True where a message of its own has to take the place of an answer in place. */
export function isTooLate(error: unknown): boolean {
  return GONE.has(weixinCode(error)) || error === TOO_LATE;
}

const TOO_LATE = new PlatformError("refused", "The message cannot be changed any more.");

/** Makes streams. One that nobody ends is ended before WeCom does it. */
export function createStreams(parts: StreamsParts): Streams {
  const { exchanges, request, timing, now } = parts;

  async function post(stream: Stream, content: string, isWhole: boolean): Promise<void> {
    const body = { msgtype: "stream", stream: { id: stream.id, finish: isWhole, content } };
    try {
      await request("aibot_respond_msg", body, { reqId: stream.exchange.reqId });
    } catch (error) {
      // It counts as answered: whatever comes is sent as a message of its own.
      if (GONE.has(weixinCode(error))) Object.assign(stream, { isFinished: true });
      throw error;
    }
    stream.isFinished ||= isWhole;
    stream.touchedAtMs = now();
  }

  function open(exchange: Exchange): Stream {
    const stream: Stream = {
      id: `stream_${randomUUID()}`,
      exchange,
      content: "",
      isFinished: false,
      touchedAtMs: now(),
    };
    exchange.stream = stream;
    watch(stream);
    return stream;
  }

  /** Ends a stream that nobody ends. */
  function watch(stream: Stream): void {
    const { exchange } = stream;
    const lastMs = exchange.openedAtMs + timing.answerableMs;
    const quietMs = stream.content === "" ? stream.touchedAtMs + timing.silentMs : lastMs;
    const check = () => {
      if (stream.isFinished) return;
      const isOver =
        now() >= lastMs || (stream.content === "" && now() >= stream.touchedAtMs + timing.silentMs);
      if (!isOver) return watch(stream);
      exchange.answeredBy ??= NOBODY;
      post(stream, stream.content === "" ? NOTHING : stream.content + GOES_ON, true).catch((error: unknown) =>
        parts.log("a stream could not be ended", { error }),
      );
    };
    setTimeout(check, Math.max(0, Math.min(lastMs, quietMs) - now())).unref();
  }

  async function grow(stream: Stream, text: string, isWhole: boolean): Promise<void> {
    if (stream.isFinished) {
      if (isWhole && stream.content === text) return;
      throw TOO_LATE;
    }
    await post(stream, text, isWhole);
    stream.content = text;
  }

  return {
    grow,
    async answer(exchange, by, text, isWhole) {
      const stream = exchange.stream ?? open(exchange);
      exchange.answeredBy = by;
      await grow(stream, text, isWhole);
      return stream;
    },
    async showWork(chat) {
      const growing = exchanges.growingIn(chat);
      if (growing !== null) {
        growing.touchedAtMs = now();
        return;
      }
      const exchange = exchanges.answerable(chat, {});
      if (exchange !== null && exchange.stream === null) await post(open(exchange), THINKING, false);
    },
  };
}
