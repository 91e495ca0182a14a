import type { Config } from "../../config/schema.ts";
import type { Gateway } from "../../gateway/contract.ts";
import type { Hooks } from "../../gateway/hooks/contract.ts";
import type { SurfaceParts } from "../edge.ts";
import { unproven } from "../plugins/refusals.ts";
import type { Route } from "../routes.ts";
import type { Called, Surface, SurfaceKind } from "../surface.ts";
import { createWork } from "../work.ts";
import { calledAccount, headersOf } from "./call.ts";
import { webhookApi } from "./endpoints.ts";
import { calledHook, eventApi } from "./events.ts";
import { createInFlight } from "./in-flight.ts";
import { createReading } from "./reading.ts";
import { webhookRoutes } from "./routes.ts";

/** Calls of one account, unless its platform needs more, and bodies of them, at once; their platform delivers what is more again. */
const CALLS = 64;
/** Events of one route at once, and bodies of them. A sender may have many under way. */
const EVENTS = 1_024;
const BODY_BYTES = 33_554_432;

/**
 * The webhooks that platforms call, and events of anybody. No key opens anything here: each platform checks what is its own, and
 * `hooks` the signatures of events.
 */
export function webhookSurface(hooks: Hooks): SurfaceKind {
  const kind: SurfaceKind = {
    name: "webhook",
    key: "gateway.webhook",
    settings: ({ gateway }: Config) => ({ ...gateway.webhook, allowed_origins: [] }),
    basePath: ({ gateway }: Config) => gateway.webhook.path,
    open: (parts) => openWebhookSurface(kind, parts, hooks),
  };
  return kind;
}

function calledRoute(hooks: Hooks, request: Request): Called {
  const { name, hook } = calledHook(hooks, request);
  return {
    account: name,
    admit() {
      if (!hook.admits(headersOf(request))) throw hook.refusal();
    },
  };
}

function calledPlatform(gateway: Gateway | null, request: Request, route: Route): Called {
  const { label, webhook } = calledAccount(gateway, request, route);
  return {
    account: label,
    admit() {
      if (!webhook.admits(headersOf(request))) throw unproven();
    },
  };
}

function openWebhookSurface(kind: SurfaceKind, parts: SurfaceParts, hooks: Hooks): Surface {
  const { config, gateway } = parts;
  const basePath = kind.basePath(config.current);
  const calls = createInFlight(CALLS);
  const events = createInFlight(EVENTS);
  const work = createWork();
  const shared = { ...parts, basePath, hooks, work };
  return {
    kind,
    routes: webhookRoutes(basePath),
    authentication: null,
    called: (request, route) =>
      route.scope === "event" ? calledRoute(hooks, request) : calledPlatform(gateway, request, route),
    hostNames: () => [],
    cors: { sent: "", read: "" },
    signpost: `Events are sent to ${basePath} and ${basePath}/{route}, platforms call ${basePath}/telegram and the like; addresses are compared letter by letter.`,
    plugin: webhookApi({
      ...shared,
      inFlight: calls,
      reading: createReading({ bodies: CALLS, bytes: BODY_BYTES }),
    }).use(
      eventApi({
        ...shared,
        inFlight: events,
        reading: createReading({ bodies: EVENTS, bytes: BODY_BYTES }),
      }),
    ),
    status: () => ({ calls: calls.size, events: events.size }),
    dropKeys: () => undefined,
    announceStop: () => undefined,
    settled: work.idle,
    close: () => Promise.resolve(),
  };
}
