import { accountLabel } from "../../config/accounts.ts";
import type { Log } from "../../lib/log.ts";
import type { ChatAddress } from "../../platforms/contract.ts";
import type { Connection } from "../contract.ts";

/** What is answered sooner is not waited for: typing would cost a call, and could be shown behind the answer. */
const FIRST_MS = 200;

/** Shows that the bot is at work until the returned function is called. That it fails hurts nobody. */
export type ShowTyping = (connection: Connection, address: ChatAddress) => () => void;

/** A place in which the bot is at work. */
interface Busy {
  answers: number;
  stop(): void;
}

/** It is shown once in a place, however many answers are made there at the same time. */
export function createTyping(signal: AbortSignal, log: Log): ShowTyping {
  const busy = new Map<string, Busy>();
  return (connection, address) => {
    const key = JSON.stringify([accountLabel(connection.account), address.chat, address.thread]);
    const place = busy.get(key) ?? { answers: 0, stop: keepTyping(connection, address, signal, log) };
    busy.set(key, place);
    place.answers += 1;
    return () => {
      place.answers -= 1;
      if (place.answers > 0) return;
      place.stop();
      busy.delete(key);
    };
  };
}

function keepTyping(connection: Connection, address: ChatAddress, signal: AbortSignal, log: Log): () => void {
  const { typingEveryMs } = connection.platform.limits;
  if (typingEveryMs <= 0) return () => undefined;
  let isAsking = false;
  const ask = () => {
    if (isAsking || !connection.can("typing")) return;
    isAsking = true;
    connection.adapter
      .typing(address, signal)
      .catch((error: unknown) => log.debug("typing could not be shown", { error }))
      .then(() => {
        isAsking = false;
      });
  };
  let timer = setTimeout(
    () => {
      ask();
      timer = setInterval(ask, typingEveryMs);
    },
    Math.min(FIRST_MS, typingEveryMs),
  );
  return () => clearInterval(timer);
}
