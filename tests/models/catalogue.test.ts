import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROVIDER_PRESETS } from "../../src/config/providers.ts";
import embedded from "../../src/models/catalogue.json" with { type: "json" };
import { openCatalogue } from "../../src/models/catalogue.ts";
import { fromModelsDev, isCatalogue } from "../../src/models/catalogue-source.ts";
import { memoryLog } from "../support/models.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
function home(): string {
  const path = mkdtempSync(join(tmpdir(), "hermes-catalogue-"));
  cleanups.push(() => rmSync(path, { recursive: true }));
  return path;
}
function source(answer: () => Response): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  cleanups.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}/api.json`;
}
const API_JSON = {
  openai: {
    models: {
      "gpt-new": {
        reasoning: true,
        tool_call: true,
        modalities: { input: ["text", "image", "audio"], output: ["text"] },
        cost: { input: 1, output: 2, cache_read: 0.5 },
        limit: { context: 500_000, output: 9000 },
      },
      "image-maker": { modalities: { output: ["image"] }, limit: { context: 1000 } },
    },
  },
  unheard: { models: { x: { limit: { context: 5 } } } },
};

describe("the built-in catalogue", () => {
  const catalogue = openCatalogue({ home: null, log: memoryLog() });

  test("is valid, small, and about presets only", () => {
    expect(isCatalogue(embedded)).toBe(true);
    expect(Bun.gzipSync(JSON.stringify(embedded)).length).toBeLessThan(60 * 1024);
    expect(Object.keys(embedded.providers).filter((name) => !(name in PROVIDER_PRESETS))).toEqual([]);
  });

  for (const [provider, { defaultModel }] of Object.entries(PROVIDER_PRESETS))
    if (defaultModel !== null && catalogue.names(provider).length > 0)
      test(`knows ${defaultModel}, the default of ${provider}`, () => {
        expect(catalogue.names(provider)).toContain(defaultModel);
      });

  const sonnet = { contextTokens: 200_000, images: true, audio: false, tools: true, reasoning: true };
  const finds: { provider: string; model: string; facts: object }[] = [
    {
      provider: "openai",
      model: "gpt-4o",
      facts: { contextTokens: 128_000, inputUsdPerMillion: 2.5, images: true, reasoning: false },
    },
    {
      provider: "openai",
      model: "gpt-5-mini-2025-08-07",
      facts: { reasoning: true, inputUsdPerMillion: 0.25 },
    },
    {
      provider: "openrouter",
      model: "openai/gpt-4o:online",
      facts: { contextTokens: 128_000, inputUsdPerMillion: null },
    },
    {
      provider: "ollama",
      model: "openai/gpt-4o",
      facts: { contextTokens: 128_000, inputUsdPerMillion: null },
    },
    {
      provider: "anthropic",
      model: "claude-haiku-4-5-20251001",
      facts: { ...sonnet, inputUsdPerMillion: 1, cachedUsdPerMillion: 0.1 },
    },
    {
      provider: "custom",
      model: "anthropic/claude-haiku-4.5",
      facts: { ...sonnet, outputUsdPerMillion: null },
    },
  ];
  const hearing = [
    "gemini-2.5-flash",
    "gemini-flash-latest",
    "google/gemini-3.8-flash",
    "openai/gpt-audio",
    "voxtral-small-24b-2507",
  ];
  const deaf = ["gemini-3.1-flash-lite-image", "gemini-2.5-computer-use-preview-10-2025", "openai/gpt-4o"];
  for (const [model, audio] of [
    ...hearing.map((name) => [name, true]),
    ...deaf.map((name) => [name, false]),
  ] as const)
    finds.push({ provider: "openrouter", model: String(model), facts: { audio } });
  for (const { provider, model, facts } of finds)
    test(`${provider}/${model}`, () => expect(catalogue.find(provider, model)).toMatchObject(facts));

  test("what nobody has heard of is not found", () => {
    expect(catalogue.find("openai", "gpt-unheard-of")).toBeNull();
    expect(catalogue.find("constructor", "toString")).toBeNull();
    expect(catalogue.find("openai", "constructor")).toBeNull();
    expect(catalogue.names("constructor")).toEqual([]);
  });
});

describe("refresh", () => {
  test("takes newer facts over, and the next start finds them", async () => {
    const path = home();
    const log = memoryLog();
    const catalogue = openCatalogue({ home: path, log, sourceUrl: source(() => Response.json(API_JSON)) });
    expect(catalogue.find("openai", "gpt-new")).toBeNull();
    expect(await catalogue.refresh()).toBe(true);
    const facts = {
      contextTokens: 500_000,
      maxOutputTokens: 9000,
      inputUsdPerMillion: 1,
      outputUsdPerMillion: 2,
      cachedUsdPerMillion: 0.5,
      images: true,
      audio: true,
      tools: true,
      reasoning: true,
    };
    expect(catalogue.find("openai", "gpt-new")).toEqual(facts);
    expect(catalogue.names("openai")).toEqual(["gpt-new"]);
    expect(statSync(join(path, "models.json")).mode & 0o777).toBe(0o600);
    expect(openCatalogue({ home: path, log }).find("openai", "gpt-new")).toEqual(facts);
  });

  const failures: [string, () => Response][] = [
    ["a server error", () => new Response("oops", { status: 500 })],
    ["a web page", () => new Response("<html>")],
    ["an empty catalogue", () => Response.json({})],
    ["wrong types", () => Response.json({ openai: { models: { x: { limit: { context: "many" } } } } })],
  ];
  for (const [name, answer] of failures)
    test(`${name} changes nothing and is said at debug only`, async () => {
      const log = memoryLog();
      const catalogue = openCatalogue({ home: home(), log, sourceUrl: source(answer) });
      expect(await catalogue.refresh()).toBe(false);
      expect(catalogue.find("openai", "gpt-4o")).not.toBeNull();
      expect(new Set(log.lines.map((line) => line.level))).toEqual(new Set(["debug"]));
    });

  test("a damaged, foreign or older copy is passed over", () => {
    const path = home();
    for (const text of [
      "{bro",
      '{"updated":"2999-01-01","providers":{"openai":{"x":[1]}}}',
      '{"updated":"2000-01-01","providers":{}}',
    ]) {
      writeFileSync(join(path, "models.json"), text);
      const catalogue = openCatalogue({ home: path, log: memoryLog() });
      expect(catalogue.find("openai", "gpt-4o")).not.toBeNull();
      expect(readFileSync(join(path, "models.json"), "utf8")).toBe(text);
    }
  });
});

test("models.dev is trimmed to our presets and to models that write text", () => {
  const catalogue = fromModelsDev(API_JSON, "2026-11-22");
  expect(isCatalogue(catalogue)).toBe(true);
  expect(catalogue.providers).toEqual({ openai: { "gpt-new": [500_000, 9000, 1, 2, 0.5, "iatr"] } });
});
