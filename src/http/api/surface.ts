import { Elysia } from "elysia";
import type { Config } from "../../config/schema.ts";
import { apiAuthentication } from "../authentication.ts";
import type { Edge, SurfaceParts } from "../edge.ts";
import { ROUTES, servedRoutes } from "../routes.ts";
import { createSseHub } from "../sse.ts";
import type { Surface, SurfaceKind } from "../surface.ts";
import { chatApi } from "./chat.ts";
import { deliveriesApi } from "./deliveries.ts";
import { docsApi } from "./docs.ts";
import { executeApi } from "./execute.ts";
import { livenessApi, readinessApi } from "./health.ts";
import { memoryApi } from "./memory.ts";
import { modelsApi } from "./models.ts";
import { runsApi } from "./runs.ts";
import { sessionsApi } from "./sessions.ts";
import { statusApi } from "./status.ts";

/** The REST API. Its routes and their rights stand in `routes.ts`. */
export const API_SURFACE: SurfaceKind = {
  name: "api",
  key: "api",
  settings: ({ api }: Config) => api,
  basePath: ({ api }: Config) => api.base_path,
  open: openApiSurface,
};

const CORS = {
  sent: "authorization, content-type, idempotency-key, last-event-id, prefer, x-request-id",
  read: "location, ratelimit, ratelimit-policy, retry-after, x-request-id, x-run-id",
};

function openApiSurface(parts: SurfaceParts): Surface {
  const hub = createSseHub({ log: parts.log });
  const edge: Edge = { ...parts, hub };
  const authentication = apiAuthentication(parts.config);
  return {
    kind: API_SURFACE,
    routes: servedRoutes(ROUTES, parts.config.current.api.base_path),
    authentication,
    hostNames: () => [],
    cors: CORS,
    signpost: "The list of endpoints is at /swagger; addresses are compared letter by letter.",
    plugin: new Elysia({ normalize: false })
      .use(livenessApi(edge))
      .use(readinessApi(edge))
      .use(docsApi(edge))
      .use(chatApi(edge))
      .use(executeApi(edge))
      .use(runsApi(edge))
      .use(memoryApi(edge))
      .use(sessionsApi(edge))
      .use(deliveriesApi(edge))
      .use(statusApi(edge))
      .use(modelsApi(edge)),
    status: () => ({}),
    dropKeys: () => hub.dropKeys(authentication.holds),
    announceStop: () => hub.announceStop(),
    settled: () => Promise.resolve(),
    async close() {
      hub.stop();
    },
  };
}
