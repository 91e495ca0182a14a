import type { Server } from "bun";
import { AppError } from "../lib/errors.ts";
import { type Admission, admittedPlugin } from "./admission.ts";
import { chatApi } from "./api/chat.ts";
import { docsApi } from "./api/docs.ts";
import { executeApi } from "./api/execute.ts";
import { healthApi } from "./api/health.ts";
import { memoryApi } from "./api/memory.ts";
import { modelsApi } from "./api/models.ts";
import { runsApi } from "./api/runs.ts";
import { sessionsApi } from "./api/sessions.ts";
import { statusApi } from "./api/status.ts";
import { type Edge, type HttpParts, IDLE_TIMEOUT_S } from "./edge.ts";
import { createKeyring, type Keyring } from "./keys.ts";
import { createErrorHandler } from "./plugins/errors.ts";
import { createGuard } from "./plugins/guard.ts";
import { createLockout, createRateLimit } from "./plugins/limits.ts";
import { createRouteTable } from "./routes.ts";
import { createSseHub } from "./sse.ts";

/** Time for requests in progress at a stop: a little more than running turns get. */
const STOP_GRACE_MS = 21_000;
/** Time for the last answers to leave, once no turn runs any more and once the grace is over. */
const LAST_ANSWERS_MS = 500;

/** How long a stop may wait, and for what. */
export interface StopOptions {
  graceMs?: number;
  /** Resolves once this process runs no turn: whoever still waits then waits for a turn of the next start. */
  turnsEnded?: Promise<void>;
}

/** The REST API as a listening server. */
export interface HttpServer {
  /** Starts to listen. Rejects with `address_in_use` or, for any other reason, `config_invalid`. */
  listen(): Promise<{ url: string; port: number; hostname: string }>;
  /**
   * Takes no new connection, tells the clients of event streams, lets requests in progress end until `turnsEnded` resolves,
   * but no longer than `graceMs`, answers the rest with 503, and closes everything. Runs are not touched.
   */
  stop(options?: StopOptions): Promise<void>;
}

/** Joins the plugins. The routes and their rights stand in `routes.ts`; nothing else is reachable. */
export function createHttpServer(parts: HttpParts): HttpServer {
  const { config, log } = parts;
  const stopping = new AbortController();
  const hub = createSseHub({ log });
  const keys = createKeyring(config);
  let server: Server<unknown> | null = null;
  const socket = () => server;
  const app = createHttpApp(
    { ...parts, hub, stopping: stopping.signal, startedAtMs: Date.now(), socket },
    keys,
  );
  const stopListening = config.onChange(() => hub.dropKeys(keys.holds));

  return {
    async listen() {
      const { host, port } = config.current.api;
      try {
        app.listen({
          hostname: host,
          port,
          reusePort: false,
          development: false,
          idleTimeout: IDLE_TIMEOUT_S,
        });
      } catch (cause) {
        throw cannotListen(host, port, cause);
      }
      server = app.server;
      if (server === null || server.port === undefined) throw new Error("the server has no port");
      return { url: server.url.origin, port: server.port, hostname: server.hostname ?? host };
    },
    async stop({ graceMs = STOP_GRACE_MS, turnsEnded } = {}) {
      stopListening();
      if (server === null) return;
      hub.announceStop();
      const done = server.stop();
      const lastAnswers = () => within(done, LAST_ANSWERS_MS);
      await within(Promise.race([done, turnsEnded?.then(lastAnswers, lastAnswers) ?? done]), graceMs);
      stopping.abort();
      hub.stop();
      await within(done, LAST_ANSWERS_MS);
      await server.stop(true);
      server = null;
    },
  };
}

/** The application: one gate in front, one error handler behind, one plugin per group of endpoints. */
export function createHttpApp(edge: Edge, keys: Keyring) {
  const { config, log, socket } = edge;
  const guard = createGuard({
    config,
    keys,
    log,
    socket,
    routes: createRouteTable(config.current.api.base_path),
    rateLimit: createRateLimit({
      requestsPerMinute: () => config.current.api.rate_limit.requests_per_minute,
    }),
    lockout: createLockout(),
  });
  const onError = createErrorHandler(log);

  return admittedPlugin()
    .onRequest((context) => {
      const decision = guard(context.request);
      context.admission = decision.admission;
      if (decision.refusal !== undefined) return decision.refusal;
    })
    .onError({ as: "global" }, (context) => onError(context.admission as Admission, context.error))
    .use(healthApi(edge))
    .use(docsApi(edge))
    .use(chatApi(edge))
    .use(executeApi(edge))
    .use(runsApi(edge))
    .use(memoryApi(edge))
    .use(sessionsApi(edge))
    .use(statusApi(edge))
    .use(modelsApi(edge));
}

function cannotListen(host: string, port: number, cause: unknown): AppError {
  const inUse = (cause as { code?: string }).code === "EADDRINUSE";
  return new AppError(
    inUse ? "address_in_use" : "config_invalid",
    inUse ? `Port ${port} on ${host} is in use.` : `Cannot listen on ${host} port ${port}.`,
    {
      hint: inUse
        ? "Stop the other program, perhaps another Hermes, or choose another port with --port or api.port."
        : "Check api.host and api.port.",
      cause,
    },
  );
}

/** Waits for `work`, but no longer than `ms`. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
