import type { Log } from "../lib/log.ts";
import type { ToolProgress } from "../tools/contract.ts";
import type { Exchange } from "./contract.ts";

/**
 * Tells a client how far its call is: only one that has sent a token, and with numbers that rise, as the protocol wants. A
 * step without a number counts as one; a step that does not rise is left out.
 */
export function progressTo(
  { context: { mcpReq } }: Exchange,
  log: Log,
): ((step: ToolProgress) => void) | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let last = 0;
  return ({ message, done = last + 1, total }) => {
    if (mcpReq.signal.aborted || done <= last) return;
    last = done;
    const params = { progressToken, progress: done, message, ...(total === undefined ? {} : { total }) };
    mcpReq
      .notify({ method: "notifications/progress", params })
      .catch((error: unknown) => log.debug("progress could not be told", { error }));
  };
}
