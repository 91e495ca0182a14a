import type { Config } from "../config/schema.ts";
import { within } from "../lib/waiting.ts";
import type { HttpParts, Listening } from "./edge.ts";
import { createListener, type Listener } from "./listener.ts";
import type { SurfaceKind } from "./surface.ts";

/** Time for requests in progress at a stop: a little more than running turns get. */
const STOP_GRACE_MS = 21_000;
/** Time for the last answers to leave, once nothing runs any more and once the grace is over. */
const LAST_ANSWERS_MS = 500;

/** How long a stop may wait, and for what. */
export interface StopOptions {
  graceMs?: number;
  /** Resolves once this process runs no turn: whoever still waits then waits for a turn of the next start. */
  turnsEnded?: Promise<void>;
}

/** The surfaces of this process, each at its address. */
export interface HttpServer {
  /** Starts to listen at every address or at none. Rejects with `address_in_use` or, for any other reason, `config_invalid`. */
  listen(): Promise<readonly Listening[]>;
  /**
   * Takes no new connection, tells the clients of event streams, lets requests in progress end until `turnsEnded` resolves,
   * but no longer than `graceMs`, answers the rest with 503, and closes everything. Runs are not touched.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** Surfaces with equal host and port share a listener; each other one has its own. */
export function createHttpServer(
  parts: HttpParts,
  kinds: readonly [SurfaceKind, ...SurfaceKind[]],
): HttpServer {
  const stopping = new AbortController();
  const startedAtMs = Date.now();
  const listening = (): Listening[] => listeners.flatMap((listener) => listener.listening());
  const listeners: Listener[] = byAddress(kinds, parts.config.current).map((shared) =>
    createListener({ ...parts, kinds: shared, stopping: stopping.signal, startedAtMs, listening }),
  );
  const surfaces = listeners.flatMap((listener) => listener.surfaces);
  const onEach = (task: (surface: (typeof surfaces)[number]) => unknown) => Promise.all(surfaces.map(task));
  const stopFollowing = parts.config.onChange(() => {
    for (const surface of surfaces) surface.dropKeys();
  });

  return {
    async listen() {
      try {
        for (const listener of listeners) listener.listen();
      } catch (error) {
        await Promise.all(listeners.map((listener) => listener.close()));
        throw error;
      }
      return listening();
    },
    async stop({ graceMs = STOP_GRACE_MS, turnsEnded } = {}) {
      stopFollowing();
      if (listening().length === 0) return;
      for (const surface of surfaces) surface.announceStop();
      const drained = Promise.all(listeners.map((listener) => listener.drain()));
      const lastAnswers = () => within(drained, LAST_ANSWERS_MS);
      const worked = turnsEnded && Promise.allSettled([turnsEnded, onEach((surface) => surface.settled())]);
      await within(Promise.race([drained, worked?.then(lastAnswers) ?? drained]), graceMs);
      stopping.abort();
      await onEach((surface) => surface.close());
      await within(drained, LAST_ANSWERS_MS);
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

/** Port 0 is another port for everybody. */
function byAddress(kinds: readonly SurfaceKind[], config: Config): [SurfaceKind, ...SurfaceKind[]][] {
  const groups = new Map<string, [SurfaceKind, ...SurfaceKind[]]>();
  for (const kind of kinds) {
    const { host, port } = kind.settings(config);
    const address = port === 0 ? kind.name : `${host} ${port}`;
    const group = groups.get(address);
    if (group) group.push(kind);
    else groups.set(address, [kind]);
  }
  return [...groups.values()];
}
