import { backoffMs } from "../../../lib/backoff.ts";
import { sleep } from "../../../lib/waiting.ts";
import type { ConnectionHooks, InboundMessage } from "../../contract.ts";
import { fieldsOf } from "../../fields.ts";
import type { Timing } from "../timing.ts";
import type { BotConnection } from "./connection.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Files } from "./files.ts";
import type { Frame } from "./frame.ts";
import { parseMessage, parsePress } from "./parse.ts";

/** What taking works with. */
export interface TakeParts {
  exchanges: Exchanges;
  files: Files;
  timing: Timing;
  /** By which it is mentioned; empty where that is not known. */
  botName: string;
  /** What whoever opens the chat is greeted with. */
  welcome: string;
}

/** Takes what WeCom says by itself. Settles once it is on disk or given up; never rejects. */
export function createTake({ exchanges, files, timing, botName, welcome }: TakeParts) {
  return async (
    frame: Frame,
    connection: BotConnection,
    hooks: ConnectionHooks,
    signal: AbortSignal,
  ): Promise<void> => {
    hooks.log("debug", "frame", { cmd: frame.cmd, msgtype: frame.body["msgtype"], id: frame.body["msgid"] });
    if (frame.cmd === "aibot_event_callback") {
      const press = parsePress(frame.body);
      if (press === null) await greet(frame, connection, hooks);
      else await emit(press, hooks, signal);
      return;
    }
    const said = frame.cmd === "aibot_msg_callback" ? parseMessage(frame.body, botName) : null;
    if (said === null) return;
    const { id, address, sender } = said.message;
    const kept = files.keep(said);
    const message = { ...said.message, ...(kept.length === 0 ? {} : { files: kept }) };
    // Whatever answers a message tells WeCom that it arrived: before it is on disk nothing may, not even a sign.
    if (await emit(message, hooks, signal))
      exchanges.open({ msgId: id, reqId: frame.reqId, chat: address.chat, user: sender.id });
  };

  /** Who enters the chat for the first time in a day is greeted, which has to happen within five seconds. */
  async function greet({ reqId, body }: Frame, connection: BotConnection, hooks: ConnectionHooks) {
    if (fieldsOf(body["event"])["eventtype"] !== "enter_chat") return;
    const answer = { msgtype: "text", text: { content: welcome } };
    await connection
      .request("aibot_respond_welcome_msg", answer, { reqId })
      .catch((error: unknown) => hooks.log("debug", "a greeting could not be sent", { error }));
  }

  /** WeCom does not bring a message for long: it is handed on until it is taken. False when that is given up. */
  async function emit(
    message: InboundMessage,
    hooks: ConnectionHooks,
    signal: AbortSignal,
  ): Promise<boolean> {
    const untilMs = performance.now() + timing.answerableMs;
    for (let retry = 0; !signal.aborted && performance.now() < untilMs; retry += 1)
      try {
        await hooks.emit(message);
        return true;
      } catch (error) {
        hooks.log("warn", "a message could not be kept; it is tried again", { id: message.id, error });
        await sleep(backoffMs(retry, timing.retry), signal);
      }
    hooks.log("warn", "a message could not be kept and is lost", { id: message.id });
    return false;
  }
}
