import { AppError } from "../../lib/errors.ts";
import { endpointStatuses } from "../../webhooks/outbound/public.ts";
import { admittedPlugin } from "../admission.ts";
import { json } from "../answers.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { platformStatuses } from "./platforms.ts";

/** `GET /status`: what runs and how it is. Names no secret and no address of anybody. */
export function statusApi(edge: Edge) {
  const { config, store, agent, version, startedAtMs, hub } = edge;
  return admittedPlugin(config.current.api.base_path).get(ROUTES.status.path, async ({ admission }) => {
    const health = await store.health();
    const counts = health.ok ? await store.counts() : null;
    return json(admission, {
      status: health.ok ? "ok" : "degraded",
      version,
      uptime_s: Math.floor((Date.now() - startedAtMs) / 1000),
      ...Object.fromEntries(
        edge
          .listening()
          .map(({ surface, host, port, basePath, status }) => [
            surface,
            { host, port, base_path: basePath, ...status() },
          ]),
      ),
      platforms: await platformStatuses({ ...edge, config: config.current }),
      webhook_endpoints: await endpointStatuses(store, config.current),
      model: { default: defaultModel(edge) },
      runs: agent.stats(),
      event_streams: hub.size,
      store: {
        ok: health.ok,
        problem: health.problem,
        size_bytes: health.sizeBytes,
        wal_bytes: health.walBytes,
        schema_version: health.schemaVersion,
        counts,
      },
      memory: { rss_bytes: process.memoryUsage.rss() },
    });
  });
}

/** The model that is asked when none is named; null while none is configured. */
export function defaultModel({ models }: Edge): string | null {
  try {
    return models.defaultRef();
  } catch (error) {
    if (error instanceof AppError && error.code === "unknown_model") return null;
    throw error;
  }
}
