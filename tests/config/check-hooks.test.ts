import { describe, expect, test } from "bun:test";
import { checkConfig } from "../../src/config/check.ts";
import { PLATFORM_IDS } from "../../src/platforms/registry.ts";
import { liveConfig } from "../support/agent.ts";

const SECRET = "a-secret-that-is-long-enough-0123456789";

/** What is wrong with `gateway.webhook`. */
function check(webhook: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const { faults, warnings } = checkConfig(liveConfig({ ...more, gateway: { webhook } }).current);
  return { faults: faults.map(({ message }) => message), warnings: warnings.map(({ message }) => message) };
}
const route = (settings: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  check({ secret: SECRET, routes: { a: settings } }, more).faults;
const R = "gateway.webhook.routes.a";
const telegram = { bot_token: "1:token", allowed_users: [1] };

describe("a secret", () => {
  test("is needed for every address that takes events", () => {
    const missing = ["gateway.webhook.secret is missing: anybody could send events"];
    expect(check({ enabled: true }).faults).toEqual(missing);
    expect(check({ enabled: true, routes: { a: {} } }).faults).toEqual(missing);
    expect(check({ enabled: true, routes: { a: { secret: SECRET }, b: {} } }).faults).toEqual(missing);
    expect(check({ enabled: true, routes: { a: { secret: SECRET } } }).faults).toEqual([]);
    expect(check({ enabled: true, secret: SECRET }).faults).toEqual([]);
    expect(check({}).faults).toEqual([]);
  });

  test("before it is of use only beside it", () => {
    expect(check({ previous_secret: SECRET }).faults).toEqual([
      "gateway.webhook.previous_secret is of no use without secret",
    ]);
    expect(route({ previous_secret: SECRET })).toEqual([
      `${R}.previous_secret is of no use without a secret of the route`,
    ]);
  });

  test("that everybody knows is a warning on loopback and a fault beyond, the one before it too", () => {
    const sample = "your-webhook-secret";
    expect(check({ enabled: true, secret: sample }).warnings.join()).toContain("is a sample");
    const both = {
      enabled: true,
      secret: sample,
      previous_secret: sample,
      routes: { a: { secret: sample } },
      host: "0.0.0.0",
    };
    expect(check(both).faults.filter((fault) => fault.includes("is a sample"))).toHaveLength(3);
    expect(check({ secret: "short" }).warnings.join()).toContain("can be guessed");
  });

  test("that says it is Base64 and is not opens nothing to Standard Webhooks, and says so", () => {
    const broken = "whsec_not-base64-at-all-0123456789";
    const told = (path: string) =>
      `${path} begins with whsec_, but what follows is not Base64: nothing that standard or svix signs is taken`;
    expect(check({ secret: broken })).toEqual({ faults: [], warnings: [told("gateway.webhook.secret")] });
    expect(route({ secret: broken, scheme: "standard" })).toEqual([told(`${R}.secret`)]);
    expect(route({ secret: SECRET, previous_secret: broken, scheme: "svix" })).toEqual([
      told(`${R}.previous_secret`),
    ]);
    // Those of Stripe begin so, and are text.
    expect(route({ secret: broken, scheme: "stripe" })).toEqual([]);
    expect(route({ secret: "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==", scheme: "standard" })).toEqual([]);
  });

  test("may be done without on loopback alone", () => {
    const { faults, warnings } = check({ enabled: true, allow_unsigned: true });
    expect(faults).toEqual([]);
    expect(warnings).toEqual([
      "gateway.webhook.allow_unsigned: every program on this machine can send events to the agent",
    ]);
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "hooks.example.com"])
      expect(check({ enabled: true, allow_unsigned: true, secret: SECRET, host }).faults).toEqual([
        `gateway.webhook.allow_unsigned is for loopback only, and gateway.webhook.host is ${host}`,
      ]);
  });
});

describe("a route", () => {
  test("has a name that nothing else answers at", () => {
    for (const platform of PLATFORM_IDS)
      expect(check({ secret: SECRET, routes: { [platform]: {} } }).faults).toHaveLength(1);
    const { faults } = check({ secret: SECRET, path: "/in", routes: { telegram: {}, health: {} } });
    expect(faults).toEqual([
      "gateway.webhook.routes.telegram: Hermes itself answers at /in/telegram",
      "gateway.webhook.routes.health: Hermes itself answers at /in/health",
    ]);
  });

  test("says how a scheme signs that Hermes does not know, and no other", () => {
    expect(route({ scheme: "generic" })).toEqual([`${R}.signature is missing: scheme: generic needs it`]);
    expect(route({ signature: { header: "X-S" } })).toEqual([
      `${R}.signature is of no use without scheme: generic`,
    ]);
    expect(route({ scheme: "generic", signature: { header: "X-S", content: "x" } })).toEqual([
      `${R}.signature cannot be: content must hold {body}, once`,
    ]);
    expect(route({ scheme: "generic", signature: { header: "X-S" } })).toEqual([]);
  });

  test("whose scheme signs the address needs that", () => {
    for (const settings of [
      { scheme: "twilio" },
      { scheme: "generic", signature: { header: "X-S", content: "{url}{body}" } },
    ]) {
      expect(route(settings)).toEqual([`${R}.scheme signs the address that senders call`]);
      const public_url = "https://hooks.example.com/webhook";
      expect(check({ secret: SECRET, public_url, routes: { a: settings } }).faults).toEqual([]);
    }
    expect(check({ secret: SECRET, public_url: "hooks.example.com" }).faults).toEqual([
      "gateway.webhook.public_url must begin with http:// or https:// and name a host",
    ]);
    for (const public_url of ["https://hooks.example.com/webhook?key=1", "https://hooks.example.com/#"])
      expect(check({ secret: SECRET, public_url }).faults).toEqual([
        "gateway.webhook.public_url must not have a query or a fragment",
      ]);
  });

  test("has a filter and templates that can be used", () => {
    expect(route({ filter: "@.payload.action ==" })[0]).toMatch(/\.filter cannot be used: unexpected end/);
    expect(route({ filter: "$.payload.action" })[0]).toMatch(/\.filter cannot be used: \$ is not allowed/);
    expect(route({ prompt: "{{action}}" })[0]).toMatch(/\.prompt cannot be used: action is not there/);
    expect(route({ prompt: "{{{payload.a}}}" })[0]).toMatch(/\.prompt cannot be used: /);
    expect(route({ session: "issue-{{payload.id" })[0]).toMatch(/\.session cannot be used: Unclosed tag/);
    expect(
      route({
        filter: "@.payload.n > 1",
        prompt: "{{payload.n}} {{headers.x-a}}",
        session: "s-{{payload.n}}",
      }),
    ).toEqual([]);
  });

  test("delivers to a chat of an account that is there, or nowhere", () => {
    for (const deliver of ["telegram", "telegram:", ":1", "", "outbound:x:"])
      expect([deliver, route({ deliver }, { platforms: { telegram } }).length]).toEqual([deliver, 1]);
    expect(route({ deliver: "telegram:1" })).toEqual([
      `${R}.deliver names telegram, which is not one account that is configured and enabled`,
    ]);
    expect(route({ deliver: "none" })).toEqual([]);
    expect(route({ deliver: "telegram:1" }, { platforms: { telegram } })).toEqual([]);
    expect(
      route({ deliver: "slack:C1:17.5" }, { platforms: { slack: { bot_token: "x", app_token: "y" } } }),
    ).toEqual([]);
    const accounts = [
      { name: "home", ...telegram },
      { name: "work", ...telegram },
    ];
    const several = { platforms: { telegram: { accounts } } };
    expect(route({ deliver: "telegram:1" }, several)).toHaveLength(1);
    expect(route({ deliver: "telegram.work:1" }, several)).toEqual([]);
    expect(route({ deliver: "telegram.other:1" }, several)).toHaveLength(1);
  });

  test("relies on an endpoint that is told, where it says so", () => {
    const missing = [
      `${R}.deliver is outbound, but no endpoint of gateway.webhook.outbound asks for task.completed`,
    ];
    const outbound = { enabled: true, url: "https://example.com/in", secret: SECRET };
    const withOutbound = (settings: Record<string, unknown>) =>
      check({ secret: SECRET, outbound: settings, routes: { a: { deliver: "outbound" } } }).faults;
    expect(route({ deliver: "outbound" })).toEqual(missing);
    expect(withOutbound({ ...outbound, enabled: false })).toEqual(missing);
    expect(withOutbound({ ...outbound, events: ["agent.error"] })).toEqual(missing);
    expect(withOutbound(outbound)).toEqual([]);
    expect(withOutbound({ ...outbound, events: ["*"] })).toEqual([]);
  });

  test("without a model has a chat and a text, and nothing to wait for", () => {
    const platforms = { telegram };
    expect(route({ deliver_only: true })).toEqual([
      `${R}.deliver is none, but deliver_only sends to a chat`,
      `${R}.prompt is missing: it is what deliver_only sends`,
    ]);
    const whole = { deliver_only: true, deliver: "telegram:1", prompt: "{{{payload.text}}}" };
    expect(route(whole, { platforms })).toEqual([]);
    expect(route({ ...whole, sync: true }, { platforms })).toEqual([
      `${R}.sync has nothing to wait for with deliver_only`,
    ]);
  });

  test("names a model that can be had", () => {
    expect(route({ model: "nobody/model" }).join()).toContain(`${R}.model names the provider "nobody"`);
  });
});
