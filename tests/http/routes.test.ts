import { describe, expect, test } from "bun:test";
import { API_SURFACE } from "../../src/http/api/surface.ts";
import type { SurfaceParts } from "../../src/http/edge.ts";
import { createHttpApp } from "../../src/http/listener.ts";
import { createRouteTable } from "../../src/http/route-table.ts";
import { ROUTES, servedPath, servedRoutes } from "../../src/http/routes.ts";
import { webhookRoutes } from "../../src/http/webhook/routes.ts";
import { liveConfig } from "../support/agent.ts";
import { ROUTE_NAMES, SAMPLES, spellings } from "../support/server.ts";
import { openTempStore, quietLog } from "../support/store.ts";

const BASE = "/api/v1";

describe("route table", () => {
  test("names exactly the routes that are registered", async () => {
    await using temp = await openTempStore();
    const config = liveConfig();
    // Registering a route touches no part but these.
    const edge = {
      config,
      log: quietLog(),
      store: temp.store,
      socket: () => null,
    } as unknown as SurfaceParts;
    const app = createHttpApp({ ...edge, surfaces: [API_SURFACE.open(edge)] });
    const registered = app.routes.map(({ method, path }) => `${method} ${path}`);
    const promised = Object.values(ROUTES).map((route) => `${route.method} ${servedPath(route, BASE)}`);
    expect(registered.sort()).toEqual(promised.sort());
  });

  test("finds the route of every sample and of no other spelling", () => {
    const table = createRouteTable([{ owner: "api", routes: servedRoutes(ROUTES, BASE) }]);
    for (const name of ROUTE_NAMES) {
      const { path } = SAMPLES[name];
      const bare = path.split("?")[0] ?? "";
      expect(table.find(bare)?.methods[ROUTES[name].method]).toBe(ROUTES[name]);
      if (ROUTES[name].path.includes(":")) continue; // an id in capitals is another id
      for (const spelling of spellings(bare))
        expect([spelling, table.find(spelling)]).toEqual([spelling, null]);
    }
  });

  test("an id is 1 to 64 letters, digits, - and _", () => {
    const table = createRouteTable([{ owner: "api", routes: servedRoutes(ROUTES, BASE) }]);
    const find = (id: string) => table.find(`${BASE}/runs/${id}`);
    expect(find("a".repeat(64))).not.toBeNull();
    for (const id of ["", "a".repeat(65), "..", "a.b", "a%2fb", "a/b", "é", "a b", "a\n"])
      expect(find(id)).toBeNull();
  });

  test("of two surfaces no pattern may meet a path of the other: the router might choose differently", () => {
    const tableOf = (webhookPath: string, basePath = BASE) =>
      createRouteTable([
        { owner: "api", routes: servedRoutes(ROUTES, basePath) },
        { owner: "webhook", routes: webhookRoutes(webhookPath) },
      ]);
    for (const [webhookPath, basePath] of [
      ["/webhook", BASE],
      ["/webhook", ""],
      [`${BASE}/webhook`, BASE],
      ["/mcp", ""],
    ])
      expect(tableOf(webhookPath ?? "", basePath).find(`${webhookPath}/telegram`)?.owner).toBe("webhook");
    for (const [webhookPath, basePath] of [
      [BASE, BASE],
      [`${BASE}/runs`, BASE],
      [`${BASE}/sessions`, BASE],
      ["/runs", ""],
    ])
      expect(() => tableOf(webhookPath ?? "", basePath)).toThrow("Two surfaces on one port both answer");
  });

  test("an empty base path leaves no two routes at one place", () => {
    const places = Object.values(ROUTES).map((route) => `${route.method} ${servedPath(route, "")}`);
    expect(new Set(places).size).toBe(places.length);
  });
});
