import type { Log } from "../../lib/log.ts";
import type { ChatAddress } from "../../platforms/contract.ts";
import type { Connection } from "../contract.ts";

/** Shows that the bot is at work until the returned function is called. That it fails hurts nobody. */
export function showTyping(
  connection: Connection,
  address: ChatAddress,
  signal: AbortSignal,
  log: Log,
): () => void {
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
  ask();
  const timer = setInterval(ask, typingEveryMs);
  return () => clearInterval(timer);
}
