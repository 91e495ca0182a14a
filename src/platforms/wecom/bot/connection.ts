import { orAborted, within } from "../../../lib/waiting.ts";
import { PlatformError } from "../../contract.ts";
import { type Fields, fieldsOf } from "../../fields.ts";
import { WeixinError } from "../../weixin-error.ts";
import { meaningOf } from "../errors.ts";
import type { Timing } from "../timing.ts";
import { type Frame, readFrame } from "./frame.ts";
import { createRequests } from "./requests.ts";

/** A connection that has subscribed. */
export interface BotConnection {
  /**
   * Sends a frame and resolves to the body of its acknowledgement. Frames with one `reqId` go one after another. Rejects with a
   * `WeixinError` for a refusal, and with `unavailable` when nothing comes.
   */
  request(cmd: string, body: Fields, options?: { reqId?: string; timeoutMs?: number }): Promise<Fields>;
  /** Resolves when the connection is no more, with the reason. */
  readonly ended: Promise<PlatformError>;
  close(): void;
}

/** What a connection is made with. */
export interface ConnectionParts {
  url: string;
  botId: string;
  secret: string;
  timing: Timing;
  /** Something that WeCom says by itself. */
  onCallback(frame: Frame): void;
  /** Whatever shows that the connection lives. */
  onAlive(): void;
}

/** Pings without an answer, after which a connection is dead. */
const MAX_MISSED = 2;
const NOT_SUBSCRIBED = 846609;

const TAKEN_OVER = new PlatformError(
  "conflict",
  "Another program has connected this bot, and WeCom lets only one be connected.",
  {
    hint: "Stop the other program, or give it a bot of its own; then restart Hermes.",
    retryAfterMs: 7 * 24 * 3_600_000, // whoever connects throws the other out: two would do so for ever
  },
);

/** Opens a connection and subscribes. Leaves none behind when it rejects. */
export async function openConnection(parts: ConnectionParts, signal: AbortSignal): Promise<BotConnection> {
  const { botId, secret, timing, onCallback, onAlive } = parts;
  const socket = new WebSocket(parts.url);
  const ended = Promise.withResolvers<PlatformError>();
  const requests = createRequests((text) => socket.send(text), timing.ackMs);
  let missed = 0;

  const end = (reason: PlatformError) => {
    clearInterval(pinging);
    requests.end(reason);
    ended.resolve(reason);
    socket.terminate();
  };
  const request: BotConnection["request"] = async (cmd, body, options) => {
    const { errcode, errmsg, body: answer } = await requests.send(cmd, body, options);
    if (errcode === 0) return answer;
    const error = new WeixinError(errcode, meaningOf(errcode, cmd, errmsg));
    if (errcode === NOT_SUBSCRIBED) end(error); // it looks alive, and nothing goes through it any more
    throw error;
  };
  const ping = () => {
    missed += 1;
    if (missed > MAX_MISSED) return end(lost("WeCom's connection fell silent."));
    // An answer that is missing is counted with the next ping.
    requests.send("ping", undefined).catch(() => undefined);
  };
  const pinging = setInterval(ping, timing.pingMs);

  socket.addEventListener("close", () => end(lost("WeCom ended the connection.")));
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    const frame = readFrame(data);
    if (frame === null) return;
    missed = 0;
    onAlive();
    if (frame.cmd === "") requests.answer(frame);
    else if (isTakenOver(frame)) end(TAKEN_OVER);
    else onCallback(frame);
  });

  try {
    await opened(socket, ended.promise, timing, signal);
    await orAborted(
      request("aibot_subscribe", { bot_id: botId, secret }, { timeoutMs: timing.handshakeMs }),
      signal,
    );
    return { request, ended: ended.promise, close: () => end(lost("The connection was given up.")) };
  } catch (error) {
    end(lost("The connection was given up."));
    throw error;
  }
}

async function opened(
  socket: WebSocket,
  ended: Promise<PlatformError>,
  { handshakeMs }: Timing,
  signal: AbortSignal,
): Promise<void> {
  const open = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
  const failed = ended.then((reason) => Promise.reject(reason));
  const isOpen = await orAborted(within(Promise.race([open, failed]), handshakeMs), signal);
  if (!isOpen) throw lost("WeCom did not open the connection in time.");
}

function isTakenOver({ cmd, body }: Frame): boolean {
  return cmd === "aibot_event_callback" && fieldsOf(body["event"])["eventtype"] === "disconnected_event";
}

function lost(message: string): PlatformError {
  return new PlatformError("unavailable", message, {
    hint: "Check the network, and api_base where one is set.",
  });
}
