import type { JSONRPCMessage } from "@modelcontextprotocol/client";

/** Messages that may wait; beyond that order gives way to memory. */
const MAX_WAITING = 1000;

/**
 * Hands messages on in their order. The SDK handles a response at once and a notification a moment later, so that a response
 * which came in one piece with the last progress of its call would overtake it: it waits until that has been handled.
 */
export function deliverInOrder(
  deliver: (message: JSONRPCMessage) => void,
): (message: JSONRPCMessage) => void {
  const waiting: JSONRPCMessage[] = [];
  let afterNotification = false;
  let paused = false;
  const drain = () => {
    while (waiting.length > 0) {
      const message = waiting[0];
      if (message && !("method" in message) && afterNotification && waiting.length <= MAX_WAITING) {
        paused = true;
        setImmediate(() => {
          paused = false;
          afterNotification = false;
          drain();
        });
        return;
      }
      waiting.shift();
      if (!message) continue;
      afterNotification ||= "method" in message;
      deliver(message);
    }
  };
  return (message) => {
    waiting.push(message);
    if (!paused || waiting.length > MAX_WAITING) drain();
  };
}
