import { createHash } from "node:crypto";

/** What every model provider takes as the name of a tool. */
const MAX_NAME_CHARS = 64;
const MARK_CHARS = 8;

/**
 * The name of an outside tool: `mcp_{server}_{tool}`, at most 64 characters of `[a-zA-Z0-9_-]`. A name that does not fit is
 * shortened and marked with the beginning of its SHA-256, so that it is the same at every start and unlike its neighbours.
 * Names of servers hold no underscore, so two servers never share a name.
 */
export function outsideToolName(server: string, tool: string): string {
  const whole = `mcp_${server}_${tool}`;
  const fitting = whole.replace(/[^a-zA-Z0-9_-]/gu, "_");
  if (fitting === whole && whole.length <= MAX_NAME_CHARS) return whole;
  const mark = createHash("sha256").update(tool).digest("hex").slice(0, MARK_CHARS);
  return `${fitting.slice(0, MAX_NAME_CHARS - MARK_CHARS - 1)}_${mark}`;
}
