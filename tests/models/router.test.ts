import { afterAll, describe, expect, test } from "bun:test";
import type { AppError } from "../../src/lib/errors.ts";
import { startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { createModelRouter } from "../../src/models/router.ts";
import { failure, hear, liveConfig, memoryLog, never, user } from "../support/models.ts";

const fake = startFakeLlm({ port: 0 });
afterAll(() => fake.stop());

type Parts = Parameters<typeof liveConfig>[0];
const FAKE = { fake: { base_url: fake.url, api_key: "k" } };
const router = (parts: Parts) =>
  createModelRouter({ config: liveConfig(parts), log: memoryLog(), retryBaseMs: 1 });
function thrown(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    return error as AppError;
  }
  throw new Error("expected an error");
}

describe("resolve", () => {
  test("splits at the first slash only", () => {
    const models = router({ providers: { openrouter: { api_key: "k" } } });
    expect(models.resolve("openrouter/anthropic/claude-sonnet-4").info).toMatchObject({
      ref: "openrouter/anthropic/claude-sonnet-4",
      provider: "openrouter",
      name: "anthropic/claude-sonnet-4",
      images: true,
      tools: true,
      inputUsdPerMillion: 3,
    });
  });

  test("the configured default, or that of the first known provider", () => {
    const providers = { ...FAKE, openai: { api_key: "k" } };
    expect(router({ model: { default: "fake/echo" }, providers }).resolve().info.ref).toBe("fake/echo");
    expect(router({ providers }).defaultRef()).toBe("openai/gpt-5-mini");
    const own = {
      base_url: "http://127.0.0.1:1/v1",
      models: [{ name: "own-model", context_tokens: 9000, images: true, audio: true }],
    };
    const custom = router({ providers: { custom: own } }).resolve();
    expect(custom.info).toMatchObject({
      ref: "custom/own-model",
      contextTokens: 9000,
      images: true,
      audio: true,
    });
  });

  test("a model of which nothing is known gets careful limits", () => {
    expect(router({ providers: FAKE }).resolve("fake/hello").info).toEqual({
      ref: "fake/hello",
      provider: "fake",
      name: "hello",
      contextTokens: 32_768,
      maxOutputTokens: null,
      inputUsdPerMillion: null,
      outputUsdPerMillion: null,
      cachedUsdPerMillion: null,
      images: false,
      audio: false,
      tools: true,
      reasoning: false,
    });
  });

  test("local servers need no configuration", () => {
    expect(router({}).resolve("ollama/qwen3:8b").info.ref).toBe("ollama/qwen3:8b");
  });

  const errors: { name: string; parts: Parts; ref?: string; says: RegExp; hint: RegExp }[] = [
    {
      name: "nothing configured",
      parts: {},
      says: /No model provider/,
      hint: /OPENROUTER_API_KEY.*config\.yaml.*hermes dev fake-llm/,
    },
    {
      name: "nothing configured, a name given",
      parts: {},
      ref: "x",
      says: /No model provider/,
      hint: /hermes dev fake-llm/,
    },
    {
      name: "a misspelt provider",
      parts: { providers: FAKE },
      ref: "opnrouter/x/y",
      says: /no model provider named opnrouter/,
      hint: /openrouter\/x\/y\?/,
    },
    {
      name: "an unheard-of provider",
      parts: { providers: FAKE },
      ref: "unheard-of/x",
      says: /unheard-of/,
      hint: /Configured: fake/,
    },
    {
      name: "a known provider without a key",
      parts: { providers: FAKE },
      ref: "openai/gpt-5",
      says: /openai is not configured/,
      hint: /OPENAI_API_KEY or providers\.openai\.api_key/,
    },
    {
      name: "a model without its provider",
      parts: { providers: { openai: { api_key: "k" } } },
      ref: "gpt-5",
      says: /provider\/model/,
      hint: /openai\/gpt-5\?/,
    },
    {
      name: "a misspelt model without its provider",
      parts: { providers: { openai: { api_key: "k" } } },
      ref: "gpt5",
      says: /provider\/model/,
      hint: /openai\/gpt-5\?/,
    },
    { name: "an empty name", parts: { providers: FAKE }, ref: "", says: /empty name/i, hint: /fake\/model/ },
    { name: "no model after the slash", parts: { providers: FAKE }, ref: "fake/", says: /fake\//, hint: /./ },
    {
      name: "a name of the language",
      parts: { providers: FAKE },
      ref: "constructor/x",
      says: /no model provider/,
      hint: /./,
    },
    {
      name: "a provider without a default",
      parts: { providers: { volcengine: { api_key: "k" } } },
      says: /No default model/,
      hint: /volcengine\//,
    },
    {
      name: "a fallback that is not there",
      parts: { model: { fallbacks: ["nope/x"] }, providers: FAKE },
      ref: "fake/hello",
      says: /nope/,
      hint: /./,
    },
  ];
  for (const { name, parts, ref, says, hint } of errors)
    test(`${name} is unknown_model with a hint`, () => {
      const error = thrown(() => router(parts).resolve(ref));
      expect(error.code).toBe("unknown_model");
      expect(error.message).toMatch(says);
      expect(error.hint).toMatch(hint);
    });

  for (const base_url of [undefined, "file:///etc/passwd", "not a url"])
    test(`base_url ${base_url} is refused`, () => {
      const custom = base_url === undefined ? {} : { base_url };
      expect(thrown(() => router({ providers: { custom } }).resolve("custom/x")).code).toBe("config_invalid");
    });
});

describe("calls", () => {
  test("a cost, when the price is known", async () => {
    const models = router({ providers: { openai: { ...FAKE.fake }, ...FAKE } });
    const priced = await failure(hear(models.resolve("openai/gpt-4o"), {})); // the fake has no such model
    expect(priced.code).toBe("model_refused");
    expect((await hear(models.resolve("fake/hello"), {})).end.usage.costUsd).toBeUndefined();
  });

  test("a retry, then a fallback; the answer names who gave it", async () => {
    const models = router({ model: { retries: 1, fallbacks: ["fake/echo"] }, providers: FAKE });
    const retried = await hear(models.resolve("fake/truncated-2-once"), { messages: [user("router retry")] });
    expect(retried.text).toContain("router retry");
    expect(retried.restarts).toHaveLength(1);
    expect(retried.end.model).toBe("fake/truncated-2-once");
    const fallen = await hear(models.resolve("fake/400"), { messages: [user("router fallback")] });
    expect(fallen).toMatchObject({ text: "router fallback", end: { model: "fake/echo" } });
  });

  test("a fallback that takes less is told in words of what the model before it would have got", async () => {
    const fakeWithSenses = { ...FAKE.fake, models: [{ name: "400", images: true, audio: true }] };
    const models = router({
      model: { retries: 0, fallbacks: ["fake/echo"] },
      providers: { fake: fakeWithSenses },
    });
    const { text } = await hear(models.resolve("fake/400"), {
      messages: [
        {
          role: "user",
          parts: [
            { type: "text", text: "listen" },
            { type: "audio", mediaType: "audio/ogg", data: "T2dn" },
          ],
        },
      ],
    });
    expect(text).toBe("listen\n[A recording (audio/ogg) was here. You cannot hear it: say so.]");
  });

  test("a model that hears is told in words of a recording in a format that it may not know", async () => {
    const models = router({ providers: { fake: { ...FAKE.fake, models: [{ name: "echo", audio: true }] } } });
    const asked = (mediaType: string) => ({
      messages: [{ role: "user" as const, parts: [{ type: "audio" as const, mediaType, data: "T2dn" }] }],
    });
    const echo = models.resolve("fake/echo");
    expect((await hear(echo, asked("audio/ogg"))).text).toMatch(/^\[recording ogg/);
    expect((await hear(echo, asked("audio/amr"))).text).toBe(
      "[A recording (audio/amr) was here. You cannot hear it: say so.]",
    );
  });

  test("the Anthropic wire takes no recordings, whatever the configuration says", () => {
    const anthropic = { api_key: "k", models: [{ name: "claude-x", audio: true }] };
    expect(router({ providers: { anthropic } }).resolve("anthropic/claude-x").info.audio).toBe(false);
  });

  test("a changed key counts at the next call", async () => {
    const config = liveConfig({ providers: FAKE });
    const models = createModelRouter({ config, log: memoryLog() });
    await hear(models.resolve("fake/hello"), { messages: [user("key one")] });
    const next = liveConfig({ providers: { fake: { ...FAKE.fake, api_key: "k2" } } });
    Object.assign(config, { current: next.current });
    await hear(models.resolve("fake/hello"), { messages: [user("key two")] });
    expect(fake.requests.slice(-2).map((request) => request.headers["authorization"])).toEqual([
      "Bearer k",
      "Bearer k2",
    ]);
  });
});

describe("list", () => {
  test("the provider's own list", async () => {
    const refs = (await router({ providers: FAKE }).list(never())).map((info) => info.ref);
    expect(refs).toContain("fake/hello");
    expect(refs).toContain("fake/429");
  });

  test("the catalogue and the configuration where a provider does not answer", async () => {
    const silent = { base_url: "http://127.0.0.1:1/v1" };
    const models = router({
      providers: { deepseek: { ...silent, models: [{ name: "own", context_tokens: 5000 }] }, custom: silent },
    });
    const infos = await models.list(never());
    expect(infos.map((info) => info.ref)).toContain("deepseek/deepseek-v4-pro");
    expect(infos.find((info) => info.ref === "deepseek/own")?.contextTokens).toBe(5000);
    expect(infos.filter((info) => info.provider === "custom")).toEqual([]);
  });

  const shapes: {
    type: "anthropic" | "google" | "openai-compatible";
    header: string;
    list: object;
    infos: object[];
  }[] = [
    {
      type: "anthropic",
      header: "x-api-key",
      list: { data: [{ type: "model", id: "claude-x", display_name: "X" }] },
      infos: [{ name: "claude-x" }],
    },
    {
      type: "google",
      header: "x-goog-api-key",
      list: {
        models: [
          {
            name: "models/gemini-x",
            inputTokenLimit: 1000,
            outputTokenLimit: 100,
            supportedGenerationMethods: ["generateContent"],
          },
          { name: "models/embed-x", supportedGenerationMethods: ["embedContent"] },
        ],
      },
      infos: [{ name: "gemini-x", contextTokens: 1000, maxOutputTokens: 100 }],
    },
    {
      type: "openai-compatible",
      header: "authorization",
      list: {
        data: [
          { id: "m", max_model_len: 8192 },
          { id: "n", context_length: 4096 },
          { id: "text-embedding-3" },
        ],
      },
      infos: [
        { name: "m", contextTokens: 8192 },
        { name: "n", contextTokens: 4096 },
      ],
    },
  ];
  for (const { type, header, list, infos } of shapes)
    test(`the list of ${type}, asked once in five minutes, with the key`, async () => {
      const seen: (string | null)[] = [];
      const server = Bun.serve({
        port: 0,
        fetch(request): Response {
          seen.push(request.headers.get(header));
          return Response.json(list);
        },
      });
      const models = router({
        providers: { p: { type, base_url: `http://127.0.0.1:${server.port}/v1`, api_key: "sekret" } },
      });
      expect((await models.list(never())) as object[]).toMatchObject(infos);
      expect((await models.list(never())).length).toBe(infos.length);
      expect(seen.map((value) => value?.endsWith("sekret"))).toEqual([true]);
      const [first] = await models.list(never());
      expect(models.resolve(`p/${first?.name}`).info).toEqual(first as never); // what the list told is remembered
      await server.stop(true);
    });

  test("an abort ends it", async () => {
    const reason = new Error("enough");
    expect((await failure(router({ providers: FAKE }).list(AbortSignal.abort(reason)))) as Error).toBe(
      reason,
    );
  });
});
