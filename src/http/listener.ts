import type { Server } from "bun";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { type Admission, admittedPlugin } from "./admission.ts";
import { type HttpParts, IDLE_TIMEOUT_S, type Listening, type SurfaceParts } from "./edge.ts";
import { lingering } from "./lingering.ts";
import { createErrorHandler } from "./plugins/errors.ts";
import { createGuard } from "./plugins/guard.ts";
import type { Surface, SurfaceKind, SurfaceSettings } from "./surface.ts";

/** One socket and the surfaces that answer at it. */
export interface Listener {
  readonly surfaces: readonly [Surface, ...Surface[]];
  /** Rejects with `address_in_use` or, for any other reason, `config_invalid`. */
  listen(): void;
  /** What listens; nothing before `listen` and after `close`. */
  listening(): readonly Listening[];
  /** Takes no new connection. Resolves once every request is answered. */
  drain(): Promise<void>;
  /** Cuts what is still open. */
  close(): Promise<void>;
}

export interface ListenerParts extends Omit<SurfaceParts, "socket"> {
  kinds: readonly [SurfaceKind, ...SurfaceKind[]];
}

export function createListener({ kinds, ...parts }: ListenerParts): Listener {
  let server: Server<unknown> | null = null;
  const socket = () => server;
  const open = (kind: SurfaceKind) => kind.open({ ...parts, socket });
  const surfaces: [Surface, ...Surface[]] = [open(kinds[0]), ...kinds.slice(1).map(open)];
  const app = createHttpApp({ ...parts, surfaces, socket });
  const { config } = parts;
  const settings = kinds[0].settings(config.current);

  return {
    surfaces,
    listen() {
      const { host, port } = settings;
      try {
        app.listen({
          hostname: host,
          port,
          reusePort: false,
          development: false,
          idleTimeout: IDLE_TIMEOUT_S,
        });
      } catch (cause) {
        throw cannotListen(kinds[0], settings, cause);
      }
      server = app.server;
      if (server?.port === undefined) throw new Error("the server has no port");
    },
    listening() {
      const { hostname: host, port } = server ?? {};
      if (port === undefined) return [];
      return surfaces.map(({ kind, status }) => ({
        surface: kind.name,
        host: host ?? settings.host,
        port,
        basePath: kind.basePath(config.current),
        status,
      }));
    },
    async drain() {
      await server?.stop();
    },
    async close() {
      await server?.stop(true);
      server = null;
    },
  };
}

/** What an application is made from. */
export interface HttpAppParts extends Pick<HttpParts, "config"> {
  surfaces: readonly [Surface, ...Surface[]];
  log: Log;
  socket: () => Server<unknown> | null;
}

/** The application: one gate in front, one error handler behind, the surfaces between. */
export function createHttpApp(parts: HttpAppParts) {
  const guard = createGuard(parts);
  const onError = createErrorHandler(parts.log);
  const app = admittedPlugin()
    .onRequest((context) => {
      const decision = guard(context.request);
      context.admission = decision.admission;
      if (decision.refusal === undefined) return;
      const answer = lingering(context.request, decision.refusal);
      return answer; // not `return lingering(...)`: Elysia would take the hook for an asynchronous one
    })
    .onError({ as: "global" }, (context) =>
      lingering(context.request, onError(context.admission as Admission, context.error)),
    );
  for (const { plugin } of parts.surfaces) app.use(plugin);
  return app;
}

function cannotListen({ key }: SurfaceKind, { host, port }: SurfaceSettings, cause: unknown): AppError {
  const inUse = (cause as { code?: string }).code === "EADDRINUSE";
  return new AppError(
    inUse ? "address_in_use" : "config_invalid",
    inUse ? `Port ${port} on ${host} is in use.` : `Cannot listen on ${host} port ${port}.`,
    {
      hint: inUse
        ? `Stop the other program, perhaps another Hermes, or choose another port with --port or ${key}.port.`
        : `Check ${key}.host and ${key}.port.`,
      cause,
    },
  );
}
