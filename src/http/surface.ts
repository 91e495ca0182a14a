import type { AnyElysia } from "elysia";
import type { Config } from "../config/schema.ts";
import type { Authentication } from "./authentication.ts";
import type { SurfaceName, SurfaceParts } from "./edge.ts";
import type { Route, ServedRoute } from "./routes.ts";

/** The keys that every surface has in the configuration. */
export interface SurfaceSettings {
  host: string;
  port: number;
  allowed_origins: readonly string[];
  allowed_hosts: readonly string[];
  rate_limit: { requests_per_minute: number };
  max_body_bytes: number;
}

/** A group of endpoints with its own keys and limits. Surfaces with equal host and port share one listener. */
export interface SurfaceKind {
  name: SurfaceName;
  /** Where its section stands in the configuration, as error messages name it. */
  key: string;
  /** Asked at every request, so that a change counts at once. */
  settings(config: Config): SurfaceSettings;
  /** What the address of the surface has behind the port. */
  basePath(config: Config): string;
  open(parts: SurfaceParts): Surface;
}

/** Who answers a call without a key. */
export interface Called {
  /** What the rate limit counts by. */
  account: string;
  /** Lets the call go on, by its headers alone. Throws why it goes no further. */
  admit(): void;
}

/** A surface as its listener serves it. */
export interface Surface {
  kind: SurfaceKind;
  routes: readonly ServedRoute[];
  /** Null where no route takes a key: what is not served there is 404 for everybody. */
  authentication: Authentication | null;
  /** Whom a call to a route with the scope `platform` or `event` is for. Throws `not_found`. */
  called?(request: Request, route: Route): Called;
  /** Host names under which it is reached, besides those of its settings. */
  hostNames(config: Config): readonly string[];
  /** The headers that pages of an allowed origin may send and read, as two header values, and further ones by their form. */
  cors: { sent: string; read: string; alsoSent?: RegExp };
  /** Where to look for what is served, as one sentence. */
  signpost: string;
  /** Answers the routes. */
  plugin: AnyElysia;
  /** What `GET /status` says about it besides its address. */
  status(): Record<string, unknown>;
  /** Ends what belongs to keys that are valid no longer. */
  dropKeys(): void;
  /** Tells clients that wait for nothing in particular to come back later. */
  announceStop(): void;
  /** Resolves once it does no work of its own any more; turns of the agent do not count. */
  settled(): Promise<void>;
  /** Ends every stream and session. */
  close(): Promise<void>;
}
