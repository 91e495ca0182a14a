import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigError } from "../../src/config/problems.ts";
import { ConfigSchema } from "../../src/config/schema.ts";
import { holdsSecret, walkSchema } from "../../src/config/walk.ts";
import { AppError } from "../../src/lib/errors.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

let home: HomeDir;
beforeAll(() => {
  home = makeHomeDir();
});
afterAll(() => home.remove());

/** What is wrong, at which line and column, and what the message and the hint say. */
const CASES: [
  what: string,
  yaml: string,
  at: [line: number, column: number],
  message: string,
  hint?: string,
][] = [
  ["an unknown key", "api:\n  prot: 1\n", [2, 3], "api.prot is not a key", 'Did you mean "port"?'],
  [
    "a secret of blanks",
    'gateway: { webhook: { enabled: true, secret: "  " } }',
    [1, 46],
    "gateway.webhook.secret must be text that is not blank",
  ],
  [
    "a key of blanks",
    'mcp: { auth: { api_keys: [ " " ] } }',
    [1, 28],
    "mcp.auth.api_keys[0] must be text that is not blank",
  ],
  ["an unknown section", "apis: {}\n", [1, 1], "apis is not a key", 'Did you mean "api"?'],
  [
    "a key like no other",
    "log: { zzzzzz: 1 }",
    [1, 8],
    "log.zzzzzz is not a key",
    "The keys here are: level, format.",
  ],
  [
    "a word for a number",
    "api:\n  port: abc\n",
    [2, 9],
    'api.port must be a whole number from 0 to 65535, not "abc"',
  ],
  [
    "a number in quotes",
    'api: { port: "80" }',
    [1, 14],
    'api.port must be a whole number from 0 to 65535, not "80"',
  ],
  [
    "a number out of range",
    "api: { port: 70000 }",
    [1, 14],
    "api.port must be a whole number from 0 to 65535, not 70000",
  ],
  ["a fraction", "api: { port: 1.5 }", [1, 14], "api.port must be a whole number from 0 to 65535, not 1.5"],
  ["a word for a flag", "api: { enabled: yes }", [1, 17], 'api.enabled must be true or false, not "yes"'],
  [
    "no such choice",
    "log: { level: loud }",
    [1, 15],
    'log.level must be one of "debug", "info", "warn", "error", not "loud"',
  ],
  ["a value for a section", "agent: 5", [1, 8], "agent must be a section, not 5"],
  [
    "a value for a list",
    "model: { fallbacks: a/b }",
    [1, 21],
    'model.fallbacks must be a list, each entry text, not "a/b"',
  ],
  ["a list for text", "model: { default: [a] }", [1, 19], "model.default must be text, not a list"],
  [
    "a file that is a list",
    "- a\n",
    [1, 1],
    "the configuration must consist of sections, such as model: and api:",
  ],
  [
    "a bad path",
    "api: { base_path: api }",
    [1, 19],
    'api.base_path must be a path such as /api/v1, or empty, not "api"',
  ],
  ["a missing key", "api: { auth: { keys: [ { name: a } ] } }", [1, 24], "api.auth.keys[0].token is missing"],
  [
    "a bad provider name",
    "providers: { Local: {} }",
    [1, 14],
    "providers.Local: a name here is made of lower-case letters, digits, - and _",
  ],
  [
    "a user name",
    'platforms: { telegram: { bot_token: abcd, allowed_users: ["@me"] } }',
    [1, 59],
    'platforms.telegram.allowed_users[0] must be a whole number or "*", not "@me"',
    "A user name can change hands: write the numeric id.",
  ],
  [
    "a user id in quotes",
    'platforms: { telegram: { allowed_users: ["12"] } }',
    [1, 42],
    'platforms.telegram.allowed_users[0] must be a whole number or "*", not "12"',
    "Write the number without quotes.",
  ],
  [
    "a user name elsewhere",
    'platforms: { slack: { allowed_users: ["@me"] } }',
    [1, 39],
    'platforms.slack.allowed_users[0] must be an id, not the name "@me"',
    "A user name can change hands: write the id.",
  ],
  ["a key that stands twice", "api: {}\nlog: {}\napi: {}\n", [3, 1], "the key stands here a second time"],
  ["a tab", "api:\n\tport: 1\n", [2, 1], "a tab indents the line; YAML takes spaces only"],
  [
    "an open quote",
    'api: { auth: { token: "abc } }\n',
    [2, 1],
    "a quote, bracket, comma or colon is missing",
  ],
  [
    "a reference without quotes",
    "api: { auth: { token: ${TOKEN} } }\n",
    [1, 24],
    'a reference inside brackets needs quotes: "${NAME}"',
  ],
  [
    "an alias of nothing",
    "api: *nothing\n",
    [1, 6],
    "the alias (*name) names no anchor (&name) above it; put the value in quotes if none is meant",
  ],
  ["an unknown tag", "api: !!js/function x\n", [1, 6], "the tag (!name) is not known"],
  [
    "two documents",
    "api: {}\n---\nlog: {}\n",
    [2, 1],
    "a second document (---) starts here; the file must have one only",
  ],
  [
    "a variable that is not set",
    "log:\n  level: ${NOT_SET}\n",
    [2, 10],
    "log.level needs the variable NOT_SET, which is not set",
    "Set it in the environment or in .env, or give a default: ${NOT_SET:-...}.",
  ],
  [
    "a provider's key that is not set",
    'providers: { openai: { api_key: "${NOT_SET}" } }',
    [1, 33],
    "providers.openai.api_key needs the variable NOT_SET, which is not set",
    "Set it in the environment or in .env, or give a default: ${NOT_SET:-...}.",
  ],
  [
    "half a reference",
    'model: { default: "${" }',
    [1, 19],
    'model.default has a "${" that begins no reference',
    "Write ${NAME} or ${NAME:-default}; $${ stands for ${ itself.",
  ],
  [
    "a file that is not there",
    "api: { auth: { token: file:/no/such/file } }",
    [1, 23],
    "api.auth.token: /no/such/file does not exist",
  ],
  [
    "a file by half a path",
    "api: { auth: { token: file:token } }",
    [1, 23],
    "api.auth.token: file: needs a whole path",
    "Write file:/path/to/the/file.",
  ],
  [
    "a device for a file",
    "api: { auth: { token: file:/dev/zero } }",
    [1, 23],
    "api.auth.token: /dev/zero is no regular file",
  ],
  [
    "a model without a provider",
    "model: { default: gpt-5 }",
    [1, 19],
    "model.default must be provider/model, such as openrouter/anthropic/claude-sonnet-4",
  ],
  [
    "a provider that is misspelt",
    "model: { default: opnai/gpt-5 }",
    [1, 19],
    'model.default names the provider "opnai", which is not known',
    'Did you mean "openai"?',
  ],
  [
    "the model of a platform",
    "platforms: { slack: { model: x } }",
    [1, 30],
    "platforms.slack.model must be provider/model, such as openrouter/anthropic/claude-sonnet-4",
  ],
  [
    "an unknown provider without a URL",
    "providers: { mine: { api_key: abcd } }",
    [1, 14],
    "providers.mine.base_url is missing: mine is not a provider that Hermes knows",
  ],
  [
    "a URL that is none",
    'providers: { mine: { base_url: "ftp://a" } }',
    [1, 32],
    "providers.mine.base_url must begin with http:// or https:// and name a host",
  ],
  [
    "a CIDR that is none",
    "network: { trusted_proxies: [10.0.0.1] }",
    [1, 30],
    'network.trusted_proxies[0] must be a CIDR, not "10.0.0.1"',
    "Write it like 10.0.0.1/32.",
  ],
  [
    "a CIDR that is nothing at all",
    "network: { allow_cidrs: [home/33] }",
    [1, 26],
    'network.allow_cidrs[0] must be a CIDR, not "home/33"',
    "Write it like 10.0.0.0/8.",
  ],
  [
    "an origin with a path",
    'api: { allowed_origins: ["https://your-app.com/"] }',
    [1, 26],
    'api.allowed_origins[0] must be an origin, not "https://your-app.com/"',
    "Write it like https://your-app.com.",
  ],
  [
    "an origin that no browser spells so",
    'mcp: { allowed_origins: ["https://Your-App.com:443"] }',
    [1, 26],
    'mcp.allowed_origins[0] must be an origin, not "https://Your-App.com:443"',
    "Write it like https://your-app.com.",
  ],
  [
    "an origin for everybody",
    'api: { allowed_origins: ["*"] }',
    [1, 26],
    'api.allowed_origins[0] must be an origin, not "*"',
    "Name each origin, such as https://your-app.com.",
  ],
  [
    "the origin of pages that have none",
    'api: { allowed_origins: ["null"] }',
    [1, 26],
    'api.allowed_origins[0] must be an origin, not "null"',
    "Name each origin, such as https://your-app.com.",
  ],
  [
    "a host with a port",
    'api: { allowed_hosts: ["hermes.example.com:443"] }',
    [1, 24],
    'api.allowed_hosts[0] must be a host name, not "hermes.example.com:443"',
    "Write the name alone, without scheme, port or path.",
  ],
  [
    "one token for two keys",
    "api: { auth: { token: abcd, keys: [ { name: a, token: abcd } ] } }",
    [1, 55],
    "api.auth.keys[0].token is the same as api.auth.token",
  ],
  [
    "one MCP key twice",
    "mcp: { auth: { api_keys: [abcd, abcd] } }",
    [1, 33],
    "mcp.auth.api_keys[1] is the same as mcp.auth.api_keys[0]",
  ],
  [
    "MCP and the REST API at the same paths of one port",
    "api: { base_path: '', port: 18790 }\nmcp: { enabled: true }",
    [1, 19],
    "api.base_path is empty, and MCP answers at the same paths of the same port",
    "Write a path such as /api/v1, or give api.port and mcp.port different values.",
  ],
  [
    "tokens of nobody",
    "mcp: { auth: { type: oauth2 } }",
    [1, 8],
    "mcp.auth.issuer is missing: nobody could say which tokens are valid",
    "Write the address of the authorization server, as its metadata has it.",
  ],
  [
    "an issuer that is asked in the clear",
    'mcp: { auth: { issuer: "http://auth.example.com" } }',
    [1, 24],
    "mcp.auth.issuer must begin with https://; http:// only with a loopback address",
  ],
  [
    "an issuer with a query",
    'mcp: { auth: { issuer: "https://auth.example.com/?a=b" } }',
    [1, 24],
    "mcp.auth.issuer must be an address without query, fragment and user name",
  ],
  [
    "keys that are asked for in the clear",
    'mcp: { auth: { jwks_url: "http://10.0.0.1/keys" } }',
    [1, 26],
    "mcp.auth.jwks_url must begin with https://; http:// only with a loopback address",
  ],
  [
    "a public address that is none",
    "mcp: { public_url: hermes.example.com }",
    [1, 20],
    "mcp.public_url must begin with https://; http:// only with a loopback address",
  ],
  [
    "a signature by a shared secret",
    "mcp: { auth: { algorithms: [RS256, HS256] } }",
    [1, 36],
    'mcp.auth.algorithms[1] must be a signature by a private key, not "HS256"',
    "Known are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519.",
  ],
  [
    "no signature at all",
    "mcp: { auth: { algorithms: [none] } }",
    [1, 29],
    'mcp.auth.algorithms[0] must be a signature by a private key, not "none"',
    "Known are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519.",
  ],
  [
    "a webhook without a secret",
    "gateway:\n  webhook:\n    enabled: true\n",
    [2, 3],
    "gateway.webhook.secret is missing: anybody could send events",
    "Set it, or HERMES_WEBHOOK_SECRET. Make one of your own: openssl rand -hex 32",
  ],
  [
    "a route with a name that is taken",
    "gateway: { webhook: { routes: { telegram: {} } } }",
    [1, 33],
    "gateway.webhook.routes.telegram: Hermes itself answers at /webhook/telegram",
    "Choose another name.",
  ],
  [
    "events for nobody",
    "gateway: { webhook: { outbound: { enabled: true, secret: abcd } } }",
    [1, 23],
    "gateway.webhook.outbound.url is missing: there is nowhere to send events",
  ],
  [
    "telegram's webhook without a secret",
    "platforms: { telegram: { bot_token: abcd, mode: webhook } }",
    [1, 14],
    "platforms.telegram.secret_token is missing; mode: webhook needs it",
  ],
  [
    "an account's webhook without a secret",
    "platforms: { feishu: { accounts: [ { name: a, mode: webhook } ] } }",
    [1, 36],
    "platforms.feishu.accounts[0].encrypt_key is missing; mode: webhook needs encrypt_key or verification_token",
  ],
  [
    "a secret token that Telegram would refuse",
    "platforms: { telegram: { bot_token: abcd, secret_token: 'no blanks' } }",
    [1, 57],
    "platforms.telegram.secret_token must be 1 to 256 letters, digits, - and _",
    "Make one of your own: openssl rand -hex 32",
  ],
  [
    "an account's name that no address could have",
    "platforms: { slack: { accounts: [ { name: my bot } ] } }",
    [1, 43],
    'platforms.slack.accounts[0].name must be 1 to 32 letters, digits, - and _, not "my bot"',
  ],
  [
    "a host for webhooks that is none",
    "gateway: { webhook: { allowed_hosts: ['https://a.example'] } }",
    [1, 39],
    'gateway.webhook.allowed_hosts[0] must be a host name, not "https://a.example"',
    "Write the name alone, without scheme, port or path.",
  ],
  [
    "two accounts of one name",
    "platforms: { slack: { accounts: [ { name: a }, { name: a } ] } }",
    [1, 56],
    "platforms.slack.accounts[1].name is the name of another account",
  ],
];

for (const [what, yaml, [line, column], message, hint] of CASES)
  test(what, () => {
    const path = expect.any(String);
    const place = { path, file: home.file, line, column };
    expect(home.problems(yaml)).toEqual([{ ...place, message, ...(hint !== undefined && { hint }) }]);
  });

test("origins as browsers send them, and names of hosts, are no problem", () => {
  const allowed_origins = [
    "https://your-app.com",
    "http://localhost:3000",
    "http://[::1]:8080",
    "chrome-extension://abcdef",
  ];
  const api = { allowed_origins, allowed_hosts: ["hermes.example.com", "HERMES", "my_host-1"] };
  home.write("config.yaml", JSON.stringify({ api }));
  expect(home.load().config.api).toMatchObject(api);
});

test("every problem is told at once, in the order of the file", () => {
  const problems = home.problems(`api:
  prot: 1
  host: 5.5.5.5
  auth: { type: none }
mcp:
  port: many
api: {}
model: { default: x }
`);
  expect(problems.map((problem) => problem.line)).toEqual([2, 4, 6, 7, 8]);
});

test("what only follows from a problem is not told as well", () => {
  const problems = home.problems(`
gateway: { webhook: { enabled: true, secret: "\${NOT_SET}" } }
providers: { mine: { base_url: [] } }
`);
  expect(problems.map((problem) => problem.path)).toEqual([
    "gateway.webhook.secret",
    "providers.mine.base_url",
  ]);
});

test("a value from a flag or a variable is blamed on it", () => {
  const message = (options: object) =>
    home.problems("", options).map((problem) => [problem.origin, problem.message]);
  expect(message({ overrides: { "api.port": -1 } })).toEqual([
    ["command line", "api.port must be a whole number from 0 to 65535, not -1"],
  ]);
  expect(message({ env: { HERMES_LOG_LEVEL: "loud" } })).toEqual([
    [
      "HERMES_LOG_LEVEL (environment)",
      'log.level must be one of "debug", "info", "warn", "error", not "loud"',
    ],
  ]);
});

describe("listeners", () => {
  const token = "a-long-token-of-ones-own";
  const cases: [yaml: string, problem: string | null][] = [
    [`api: { host: 0.0.0.0 }`, null],
    [`api: { host: 0.0.0.0, auth: { token: ${token} } }`, null],
    [`api: { host: 127.0.0.1, auth: { type: none } }`, null],
    [`api: { host: "::1", auth: { type: none } }`, null],
    [`api: { host: localhost, auth: { type: none } }`, null],
    [`api: { host: 0.0.0.0, enabled: false, auth: { type: none } }`, "api.auth.type is none"],
    [`gateway: { webhook: { host: 0.0.0.0 } }`, null], // nobody but platforms may call, each with its own secret
    [`gateway: { webhook: { enabled: true, host: 0.0.0.0 } }`, "gateway.webhook.secret is missing"],
    [`api: { host: 0.0.0.0, auth: { type: none } }`, "api.auth.type is none, and api.host 0.0.0.0"],
    [`api: { host: "::", auth: { type: none } }`, "api.auth.type is none, and api.host ::"],
    [`api: { host: example.com, auth: { type: none } }`, "api.auth.type is none"],
    [`api: { host: "127.1", auth: { type: none } }`, "api.auth.type is none"],
    [`api: { host: 192.168.1.2, auth: { token: your-secure-api-token } }`, "api.auth.token is a sample"],
    [
      `api: { host: 0.0.0.0, auth: { keys: [{ name: a, token: key1 }] } }`,
      "api.auth.keys[0].token is a sample",
    ],
    [`mcp: { enabled: true, host: 0.0.0.0 }`, null], // a key is made
    [`mcp: { enabled: true, host: 0.0.0.0, auth: { type: none } }`, "mcp.auth.type is none"],
    [`mcp: { enabled: true, host: 0.0.0.0, auth: { api_keys: [key2] } }`, "mcp.auth.api_keys[0] is a sample"],
    [`mcp: { enabled: true, host: 0.0.0.0, auth: { api_keys: [${token}] } }`, null],
    [
      `gateway: { webhook: { enabled: true, host: 0.0.0.0, secret: your-webhook-secret } }`,
      "gateway.webhook.secret is a sample",
    ],
    [`gateway: { webhook: { enabled: true, host: 0.0.0.0, secret: ${token} } }`, null],
  ];

  test.each(cases)("%s", (yaml, problem) => {
    home.write("config.yaml", yaml);
    const load = () => home.load();
    if (problem === null) expect(load).not.toThrow();
    else expect(load).toThrow(problem);
  });

  test("a refusal has the code that ends the process with 78", () => {
    home.write("config.yaml", "api: { host: 0.0.0.0, auth: { type: none } }");
    expect(() => home.load()).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });
});

test("a bomb of aliases is refused", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [i, name] of [..."bcdefghij"].entries())
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(",")}]`);
  expect(home.problems(bomb.join("\n"))[0]?.message).toContain("unfold to too much");
});

test("an alias of itself and brackets without end are refused", () => {
  for (const yaml of ["api: &a { auth: *a }", "[".repeat(100_000)])
    expect(home.problems(yaml).length).toBeGreaterThan(0);
});

test("no canary in any secret key ever shows in an error", () => {
  const canary = "canary-7f3a9c";
  const wrong = [
    canary,
    `[${canary}, {x: ${canary}}]`,
    `{ ${"x"}: ${canary} }`,
    `"${canary}`,
    `*${canary}`,
    `!${canary} x`,
  ];
  let checked = 0;
  for (const { path, node } of walkSchema(ConfigSchema)) {
    if (!holdsSecret(node) || path.length === 0) continue;
    for (const value of wrong) {
      const yaml = path.reduceRight(
        (inner, part) => (part === "[]" ? `[ ${inner} ]` : `{ ${part === "<name>" ? "x" : part}: ${inner} }`),
        value,
      );
      home.write("config.yaml", yaml);
      try {
        home.load();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        const shown = JSON.stringify([error.message, error.hint, error.problems]);
        expect(shown).not.toContain(canary);
        checked += 1;
      }
    }
  }
  expect(checked).toBeGreaterThan(100);
});

describe("any text at all gives a configuration or an AppError", () => {
  const outcome = (yaml: string) => {
    home.write("config.yaml", yaml);
    try {
      home.load();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "config_invalid") throw error;
    }
  };
  const key = fc.constantFrom(
    "api",
    "auth",
    "keys",
    "token",
    "port",
    "model",
    "providers",
    "x",
    "__proto__",
    "constructor",
  );
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom("${A", "${A}", "file:/", "*a", "&a", "!!x", "~", "1e999", "[", "- "),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), scalar, tie("list"), tie("map")),
    list: fc.array(tie("value"), { maxLength: 3 }),
    map: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  }));

  test("random text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), outcome), { numRuns: 500 });
  });

  test("values of any shape", () => {
    fc.assert(
      fc.property(value, (shape) => outcome(JSON.stringify(shape))),
      { numRuns: 1000 },
    );
  });

  test("text that is nearly YAML", () => {
    const line = fc
      .tuple(fc.nat(3), key, scalar)
      .map(([depth, name, text]) => `${"  ".repeat(depth)}${name}: ${text}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => outcome(lines.join("\n"))),
      { numRuns: 1000 },
    );
  });
});
