import type { Config } from "../../config/schema.ts";
import type { SurfaceParts } from "../edge.ts";
import { unproven } from "../plugins/refusals.ts";
import type { Surface, SurfaceKind } from "../surface.ts";
import { createWork } from "../work.ts";
import { calledAccount, headersOf } from "./call.ts";
import { webhookApi } from "./endpoints.ts";
import { createInFlight } from "./in-flight.ts";
import { createReading } from "./reading.ts";
import { webhookRoutes } from "./routes.ts";

/** Calls of one account at once; their platform delivers what is more again. */
const MAX_IN_FLIGHT = 64;
/** Bodies of one account at once. */
const MAX_READING = 64;

/** The webhooks that platforms call. No key opens anything here: each platform checks what is its own. */
export const WEBHOOK_SURFACE: SurfaceKind = {
  name: "webhook",
  key: "gateway.webhook",
  settings: ({ gateway }: Config) => ({ ...gateway.webhook, allowed_origins: [] }),
  basePath: ({ gateway }: Config) => gateway.webhook.path,
  open: openWebhookSurface,
};

function openWebhookSurface(parts: SurfaceParts): Surface {
  const { config, gateway } = parts;
  const basePath = WEBHOOK_SURFACE.basePath(config.current);
  const inFlight = createInFlight(MAX_IN_FLIGHT);
  const reading = createReading(MAX_READING);
  const work = createWork();
  return {
    kind: WEBHOOK_SURFACE,
    routes: webhookRoutes(basePath),
    authentication: null,
    admitCall(request, route) {
      const { label, webhook } = calledAccount(gateway, request, route);
      if (!webhook.admits(headersOf(request))) throw unproven();
      return label;
    },
    hostNames: () => [],
    cors: { sent: "", read: "" },
    signpost: `Platforms call ${basePath}/telegram and the like; addresses are compared letter by letter.`,
    plugin: webhookApi({ ...parts, basePath, inFlight, reading, work }),
    status: () => ({ calls: inFlight.size }),
    dropKeys: () => undefined,
    announceStop: () => undefined,
    settled: work.idle,
    close: () => Promise.resolve(),
  };
}
