import { PLATFORM_IDS } from "../../platforms/registry.ts";
import { type Method, ROUTES, type Route, type ServedRoute } from "../routes.ts";

/** Whether the process lives, where a proxy lets nothing through but the path of the webhooks. */
export const HEALTH: Route = { ...ROUTES.health, path: "/health" };

/**
 * The calls that platforms make, below the path of the webhooks: for the only account of a platform, and for one of several
 * by its name. Some platforms look at the address with GET before they use it.
 */
export const CALL_ROUTES: readonly Route[] = PLATFORM_IDS.flatMap((platform) =>
  ["", "/:account"].flatMap((account) =>
    (["GET", "POST"] satisfies Method[]).map((method) => ({
      method,
      path: `/${platform}${account}`,
      scope: "platform",
      platform,
      tag: "Webhooks",
      summary: method === "GET" ? "Verify the address" : "Deliver an event",
    })),
  ),
);

/** Events of anybody, for the endpoint itself and for each route of the configuration. */
export const EVENT_ROUTES: readonly Route[] = ["", "/:route"].map((path) => ({
  method: "POST",
  path,
  scope: "event",
  tag: "Webhooks",
  summary: "Send an event",
}));

/** Every route as it is served. */
export function webhookRoutes(basePath: string): ServedRoute[] {
  const below = [HEALTH, ...CALL_ROUTES, ...EVENT_ROUTES].map((route) => ({
    route,
    path: `${basePath}${route.path}`,
  }));
  return [{ route: ROUTES.health, path: ROUTES.health.path }, ...below];
}
