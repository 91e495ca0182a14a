import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "../../src/http/docs.ts";
import { ROUTES, type Route } from "../../src/http/routes.ts";
import { openTestServer, TOKENS } from "../support/server.ts";

interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: { additionalProperties: unknown } }> };
  responses: Record<string, unknown>;
  security?: unknown[];
}
type Paths = Record<string, Record<string, Operation>>;
const document = openApiDocument({ version: "1.2.3" });
const paths = document["paths"] as Paths;

describe("the OpenAPI document", () => {
  test("is valid", async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });

  test("every reference leads somewhere", () => {
    for (const [, target] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = target
        ?.split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect([target, typeof found]).toEqual([target, "object"]);
    }
  });

  for (const route of Object.values(ROUTES) as Route[]) {
    if (route.tag === "Documentation") continue;
    const path = `${route.scope === "public" ? "" : "/api/v1"}${route.path}`.replace(/:([a-z_]+)/g, "{$1}");
    test(`${route.method} ${path} is there with what it takes and gives`, () => {
      const operation = paths[path]?.[route.method.toLowerCase()];
      expect(Object.keys(operation?.responses ?? {})).toContain(route.scope === "public" ? "500" : "401");
      expect(operation?.security).toEqual(route.scope === "public" ? [] : undefined);
      const names = (operation?.parameters ?? []).filter((one) => one.in !== "header").map((one) => one.name);
      expect(names).toEqual([
        ...Object.keys(route.params?.properties ?? {}),
        ...Object.keys(route.query?.properties ?? {}),
      ]);
      expect(operation?.requestBody === undefined).toBe(route.body === undefined);
      if (route.body)
        expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual(["application/json"]);
    });
  }

  test("names no path that is not served", () => {
    const count = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    expect(count).toBe(
      (Object.values(ROUTES) as Route[]).filter(({ tag }) => tag !== "Documentation").length,
    );
  });
});

describe("/swagger", () => {
  test("serves page, document and assets from itself, under a strict policy", async () => {
    await using server = await openTestServer();
    const page = await server.call("//swagger", { as: null });
    const html = await page.text();
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).not.toMatch(/<script>|onload=/);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(links.length).toBe(4);
    for (const link of links) {
      const asset = await server.call(`/${link}`, { as: null });
      expect([link, asset.status]).toEqual([link, 200]);
      expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
    const served = await (await server.call("//swagger/json", { as: null })).text();
    expect(JSON.parse(served).info.version).toBe("0.0.0-test");
    for (const secret of Object.values(TOKENS)) expect(served).not.toContain(secret);
  });
});
