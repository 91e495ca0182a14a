import type { CallToolResult, Tool as McpTool } from "@modelcontextprotocol/client";
import type { ToolContext } from "../contract.ts";
import type { Connection } from "./connect.ts";
import type { OutsideDefinition } from "./definition.ts";
import { oneLine } from "./outside-text.ts";

/** A call that keeps telling of progress may take this many times its time limit. */
const PROGRESS_FACTOR = 10;
/** No more often than this is progress passed on. */
const PROGRESS_EVERY_MS = 100;
const MAX_PROGRESS_CHARS = 200;

/** Makes one call. Rejects with what the SDK raises; the abort of the signal is told to the server. */
export function callOutside(
  connection: Connection,
  definition: OutsideDefinition,
  input: Record<string, unknown>,
  { signal, progress }: Pick<ToolContext, "signal" | "progress">,
  timeoutMs: number,
): Promise<CallToolResult> {
  const onprogress = progressPasser(definition.title, progress);
  return connection.client.callTool(
    { name: definition.name, arguments: input },
    {
      signal,
      timeout: timeoutMs,
      resetTimeoutOnProgress: true,
      maxTotalTimeout: timeoutMs * PROGRESS_FACTOR,
      onprogress,
      // Without an output schema: the SDK would compile it, and refuse results that Hermes can still show.
      toolDefinition: {
        name: definition.name,
        inputSchema: definition.inputSchema as McpTool["inputSchema"],
      },
    },
  );
}

/** Passes progress on: rising, in plain words, and not too often. Also without a listener, for it extends the time limit. */
function progressPasser(title: string, progress: ToolContext["progress"]) {
  let last = Number.NEGATIVE_INFINITY;
  let lastMs = 0;
  return (step: { progress: number; total?: number | undefined; message?: string | undefined }) => {
    const nowMs = Date.now();
    if (!(step.progress > last) || nowMs - lastMs < PROGRESS_EVERY_MS) return;
    last = step.progress;
    lastMs = nowMs;
    progress?.({
      message: oneLine(step.message ?? "", MAX_PROGRESS_CHARS) || title,
      done: step.progress,
      ...(step.total === undefined ? {} : { total: step.total }),
    });
  };
}
