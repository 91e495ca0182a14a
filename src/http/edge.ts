import type { Server } from "bun";
import type { Agent } from "../agent/contract.ts";
import type { LiveConfig } from "../config/live.ts";
import type { Gateway } from "../gateway/contract.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { ModelRouter } from "../models/contract.ts";
import type { Store } from "../store/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { SseHub } from "./sse.ts";

/** What the HTTP server is made from. */
export interface HttpParts {
  config: LiveConfig;
  agent: Agent;
  store: Store;
  models: ModelRouter;
  tools: ToolRegistry;
  fetch: SafeFetch;
  /** The platforms that this process connects; null when it connects none. */
  gateway: Gateway | null;
  log: Log;
  version: string;
}

/** The groups of endpoints that can be served. */
export type SurfaceName = "api" | "mcp" | "webhook";

/** A surface that listens. */
export interface Listening {
  surface: SurfaceName;
  host: string;
  port: number;
  /** What the address has behind the port. */
  basePath: string;
  /** What `GET /status` says about it besides its address. */
  status(): Record<string, unknown>;
}

/** What every surface is made from. */
export interface SurfaceParts extends HttpParts {
  /** Aborts when the server has to answer at once what it still holds. */
  stopping: AbortSignal;
  startedAtMs: number;
  /** The socket that the surface listens on; null before `listen` and after `stop`. */
  socket(): Server<unknown> | null;
  /** Every surface of this server that listens. */
  listening(): readonly Listening[];
}

/** What every endpoint of the REST API has at hand. */
export interface Edge extends SurfaceParts {
  hub: SseHub;
}

/** A silent connection, and a header that does not come to its end, are dropped after this time. */
export const IDLE_TIMEOUT_S = 10;

/**
 * Lets the connection of a request be silent for as long as it takes. The returned function must be called when there is
 * nothing more to wait for: it gives the connection its usual timeout back, which would otherwise stay off for good.
 */
export function holdOpen({ socket }: Pick<SurfaceParts, "socket">, request: Request): () => void {
  socket()?.timeout(request, 0);
  return () => socket()?.timeout(request, IDLE_TIMEOUT_S);
}
