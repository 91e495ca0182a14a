import { expect, test } from "bun:test";
import { Value } from "typebox/value";
import { checkOutbound } from "../../src/config/check-outbound.ts";
import type { Findings } from "../../src/config/problems.ts";
import { type Config, ConfigSchema } from "../../src/config/schema.ts";
import { webhookEndpoints } from "../../src/config/webhook-endpoints.ts";

const configOf = (outbound: object, more: object = {}) =>
  Value.Default(ConfigSchema, { gateway: { webhook: { outbound } }, ...more }) as Config;

/** What a check finds, as one line each. */
function found(outbound: object, more: object = {}): { faults: string[]; warnings: string[] } {
  const findings: Findings = { faults: [], warnings: [] };
  checkOutbound(configOf(outbound, more), findings);
  const lines = (list: Findings["faults"]) =>
    list.map(({ message, hint }) => (hint === undefined ? message : `${message}. ${hint}`));
  return { faults: lines(findings.faults), warnings: lines(findings.warnings) };
}

const MAIN = { enabled: true, url: "https://example.com/hook", secret: "a secret of the tests" };
const endpoint = (name: string, change: object = {}) => ({
  name,
  url: "https://example.com/other",
  secret: "another secret of the tests",
  ...change,
});

test("the published keys are enough, and so is a list of endpoints", () => {
  expect(found(MAIN)).toEqual({ faults: [], warnings: [] });
  expect(found({ enabled: true, endpoints: [endpoint("a")] })).toEqual({ faults: [], warnings: [] });
  expect(found({})).toEqual({ faults: [], warnings: [] });
});

test("an address needs a secret, and a secret an address", () => {
  expect(found({ enabled: true }).faults).toEqual([
    "gateway.webhook.outbound.url is missing: there is nowhere to send events",
    "gateway.webhook.outbound.secret is missing: the receiver could not tell who sent an event. Set it, or HERMES_WEBHOOK_OUTBOUND_SECRET.",
  ]);
  expect(found({ ...MAIN, secret: undefined, endpoints: [endpoint("a")] }).faults).toHaveLength(1);
});

test("names are there once, and `default` is taken", () => {
  const endpoints = [endpoint("a"), endpoint("default"), endpoint("a")];
  expect(found({ ...MAIN, endpoints }).faults).toEqual([
    "gateway.webhook.outbound.endpoints[1].name: default is the name of gateway.webhook.outbound.url",
    "gateway.webhook.outbound.endpoints[2].name: a is there twice",
  ]);
});

test("what begins with whsec_ is Base64", () => {
  for (const secret of ["whsec_", "whsec_not base64", "whsec_abcde", "whsec_ab=c"])
    expect(found({ ...MAIN, secret }).faults).toHaveLength(1);
  for (const secret of ["whsec_bmV3", "whsec_bmU=", "whsec_bg==", "whsec_bg", "plain"])
    expect(found({ ...MAIN, secret, previous_secret: secret }).faults).toEqual([]);
  expect(
    found({ ...MAIN, endpoints: [endpoint("a", { previous_secret: "whsec_?" })] }).faults[0],
  ).toStartWith(
    "gateway.webhook.outbound.endpoints[0].previous_secret begins with whsec_, but what follows is not Base64",
  );
});

test("a secret that can be guessed is told of, such as the one of the documentation", () => {
  expect(found({ ...MAIN, secret: "outbound-secret" }).warnings).toEqual([
    "gateway.webhook.outbound.secret is short and can be guessed. Make one of your own: openssl rand -hex 32",
  ]);
});

test("an address holds no password", () => {
  expect(found({ ...MAIN, url: "https://u:p@example.com/" }).faults).toEqual([
    "gateway.webhook.outbound.url must not contain a user name or a password. Receivers know Hermes by its signature.",
  ]);
});

test("a private address is told of, until it is exempt", () => {
  const warned = (url: string, ...allow_cidrs: string[]) =>
    found({ ...MAIN, url }, { network: { allow_cidrs } }).warnings;
  expect(warned("http://localhost:5000/hook")).toEqual([
    "gateway.webhook.outbound.url is at a private address, to which nothing is sent. Add 127.0.0.1/32 to network.allow_cidrs.",
  ]);
  expect(warned("http://[::1]:5000/")[0]).toEndWith("Add ::1/128 to network.allow_cidrs.");
  expect(warned("http://10.1.2.3/")).toHaveLength(1);
  expect(warned("http://10.1.2.3/", "no CIDR", "10.0.0.0/8")).toEqual([]);
  expect(warned("https://8.8.8.8/")).toEqual([]);
});

test("endpoints are those that are on, with their secrets in order", () => {
  const config = configOf({
    ...MAIN,
    previous_secret: "the one before",
    endpoints: [endpoint("on", { events: ["*"], ordered: true }), endpoint("off", { enabled: false })],
  });
  expect(webhookEndpoints(config)).toEqual([
    {
      name: "default",
      url: MAIN.url,
      secrets: [MAIN.secret, "the one before"],
      events: ["message.received", "task.completed", "agent.error"],
      ordered: false,
    },
    {
      name: "on",
      url: "https://example.com/other",
      secrets: ["another secret of the tests"],
      events: ["*"],
      ordered: true,
    },
  ]);
  expect(webhookEndpoints(configOf({ ...MAIN, enabled: false }))).toEqual([]);
});

test("where Hermes itself takes events, none of its own are sent without a warning: each would make the next one", () => {
  const warned = (url: string, webhook: object = {}) => {
    const findings: Findings = { faults: [], warnings: [] };
    const outbound = { ...MAIN, url };
    const config = { gateway: { webhook: { enabled: true, ...webhook, outbound } } };
    checkOutbound(
      Value.Default(ConfigSchema, { ...config, network: { allow_cidrs: ["127.0.0.1/32"] } }) as Config,
      findings,
    );
    return findings.warnings.map(({ message }) => message);
  };
  const own = [
    "gateway.webhook.outbound.url is where Hermes itself takes events: each event would make the next one",
  ];
  const public_url = "https://hooks.example.com/webhook/";
  expect(warned("http://127.0.0.1:18789/webhook/a")).toEqual(own);
  expect(warned("http://localhost:18789/webhook")).toEqual(own);
  expect(warned("https://hooks.example.com/webhook", { public_url })).toEqual(own);
  expect(warned("https://hooks.example.com/webhook/a", { public_url })).toEqual(own);
  expect(warned("https://hooks.example.com/webhooks", { public_url })).toEqual([]);
  expect(warned("http://127.0.0.1:18790/webhook")).toEqual([]);
  expect(warned("http://127.0.0.1:18789/other")).toEqual([]);
  expect(warned("http://127.0.0.1:18789/webhook", { enabled: false })).toEqual([]);
});
