import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createRedactor, secretsOf } from "../../src/config/redact.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

const load = (yaml: string) => {
  home.write("config.yaml", yaml);
  return home.load().config;
};
const withToken = (token: string) => load(`api: { auth: { token: ${JSON.stringify(token)} } }`);

test("every kind of place that holds a secret is known", () => {
  const config = load(`
providers:
  openai: { api_key: secret-1, headers: { x-key: secret-2 } }
  proxy: { base_url: "http://me:secret%203@127.0.0.1/v1" }
platforms: { telegram: { bot_token: secret-4, accounts: [ { name: a, bot_token: secret-5 } ] } }
gateway: { webhook: { secret: secret-6, routes: { a: { secret: secret-7 } } } }
mcp: { auth: { api_keys: [secret-8] } }
api: { auth: { token: secret-9, keys: [ { name: a, token: secret-10 } ] } }
`);
  const expected = [1, 2, 4, 5, 6, 7, 8, 9, 10].map((i) => `secret-${i}`);
  expect([...secretsOf(config)].sort()).toEqual([...expected, "secret 3", "secret%203"].sort());
});

describe("a secret is found in any form", () => {
  const secret = 'p&ss "wörd"/+=\n1';
  const forms: [name: string, text: string][] = [
    ["as it is", secret],
    ["in a URL", encodeURIComponent(secret)],
    ["in a form", new URLSearchParams({ q: secret }).toString().slice(2).replaceAll("%21", "!")],
    ["in JSON", JSON.stringify({ a: secret })],
    ["in JSON inside JSON", JSON.stringify({ a: JSON.stringify(secret) })],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64url", Buffer.from(secret).toString("base64url")],
    ["in Basic authorization", Buffer.from(`u:${secret}`).toString("base64")],
    ["in Basic authorization of a longer name", Buffer.from(`us:${secret}:x`).toString("base64")],
  ];
  for (const [name, text] of forms)
    test(name, () => {
      const { redact } = createRedactor(withToken(secret));
      const redacted = redact(`before ${text} after`);
      expect(redacted).toContain("[redacted]");
      expect(redacted).toStartWith("before ");
      expect(redacted).toEndWith(" after");
      expect(redacted).not.toContain(text);
    });
});

test("of two secrets the longer one goes first", () => {
  const config = load("mcp: { auth: { api_keys: [abcd, abcdefgh] } }");
  expect(createRedactor(config).redact("abcdefgh abcd")).toBe("[redacted] [redacted]");
});

test("a secret shorter than four characters is not searched for", () => {
  expect(createRedactor(withToken("abc")).redact("abcdef")).toBe("abcdef");
});

test("text without secrets stays as it is, also when there are none", () => {
  expect(createRedactor(withToken("secret-1")).redact("nothing here")).toBe("nothing here");
  expect(createRedactor(load("")).redact("nothing here")).toBe("nothing here");
});

test("it follows a change, and what was secret before stays secret", () => {
  const redactor = createRedactor(withToken("old-token"), ["made-token"]);
  redactor.follow(withToken("new-token"));
  expect(redactor.redact("old-token new-token made-token")).toBe("[redacted] [redacted] [redacted]");
});

test("what other programs go on with loses the secrets that nothing else can be, and no word that one happens to be", () => {
  const redactor = createRedactor(
    load(`
providers: { openrouter: { api_key: fake, headers: { X-Title: Hermes } } }
tools: { mcp_servers: { db: { command: x, env: { DEBUG: "true", NODE_ENV: production } } } }
gateway: { webhook: { secret: 0123456789abcdef } }
`),
  );
  const text = "It is true: Hermes is a fake in production.";
  expect(redactor.redactUnmistakable(text)).toBe(text);
  expect(redactor.redactUnmistakable("see 0123456789abcdef")).toBe("see [redacted]");
  redactor.follow(withToken("fedcba9876543210"));
  expect(redactor.redactUnmistakable(btoa("fedcba9876543210"))).toBe("[redacted]");
});
