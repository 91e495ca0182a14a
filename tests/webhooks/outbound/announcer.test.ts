import { expect, test } from "bun:test";
import { FormatRegistry } from "typebox";
import { Value } from "typebox/value";
import { createRedactor } from "../../../src/config/redact.ts";
import { WEBHOOK_EVENTS } from "../../../src/config/webhook-events.ts";
import { createAnnouncer } from "../../../src/webhooks/outbound/announcer.ts";
import { payloadSchema } from "../../../src/webhooks/outbound/events.ts";
import { liveConfig } from "../../support/agent.ts";

FormatRegistry.Set("date-time", (text) => !Number.isNaN(Date.parse(text)));

const SECRET = "a-secret-of-an-endpoint";
const outbound = (settings: object) =>
  liveConfig({ gateway: { webhook: { outbound: { enabled: true, ...settings } } } });
const MAIN = { url: "https://example.com/", secret: SECRET };
const received = (text: string) => ({
  run_id: "run_1",
  session_id: "s1",
  owner: "api:owner",
  kind: "chat" as const,
  text,
  attachments: 0,
});

function announcerOf(config = outbound(MAIN)) {
  const stored: number[] = [];
  const announcer = createAnnouncer({
    config,
    redact: createRedactor(config.current).redactUnmistakable,
    onStored: () => void stored.push(1),
    now: () => Date.parse("2026-11-22T08:00:00Z"),
  });
  const tell = (text: string) => announcer.tell("message.received", () => received(text));
  return { announcer, tell, stored };
}

test("an event says what happened, when, in which version, and under an id of its own", () => {
  const { tell } = announcerOf();
  const event = tell("hello");
  expect(event).toMatchObject({ type: "message.received", endpoints: ["default"] });
  expect(event?.id).toMatch(/^evt_[0-9a-z]{38}$/);
  expect(JSON.parse(event?.body ?? "")).toEqual({
    id: event?.id ?? "",
    type: "message.received",
    event: "message.received",
    version: 1,
    timestamp: "2026-11-22T08:00:00.000Z",
    data: { ...received("hello"), truncated: false },
  });
  expect(Value.Check(payloadSchema("message.received"), JSON.parse(event?.body ?? ""))).toBe(true);
  expect(tell("hello")?.id).not.toBe(event?.id ?? "");
});

test("each endpoint is told what it asks for; where nobody asks, the facts are not even made", () => {
  const config = outbound({
    ...MAIN,
    events: ["task.completed"],
    endpoints: [
      { name: "all", url: "https://a.test/", secret: SECRET, events: ["*"] },
      { name: "usual", url: "https://b.test/", secret: SECRET },
      { name: "off", url: "https://c.test/", secret: SECRET, events: ["*"], enabled: false },
    ],
  });
  const { announcer } = announcerOf(config);
  const asked = WEBHOOK_EVENTS.map((type) => {
    // The facts do not matter here: who is told is decided by the type.
    const event = announcer.tell(type, () => received("x") as never);
    return [type, event?.endpoints ?? []];
  });
  expect(Object.fromEntries(asked)).toEqual({
    "message.received": ["all", "usual"],
    "task.started": ["all"],
    "approval.requested": ["all"],
    "approval.decided": ["all"],
    "task.joined": ["all"],
    "task.completed": ["default", "all", "usual"],
    "task.cancelled": ["all"],
    "agent.error": ["all", "usual"],
  });
  config.change(({ gateway }) => {
    gateway.webhook.outbound.enabled = false;
  });
  const unasked = () => {
    throw new Error("the facts were asked for");
  };
  expect(announcer.tell("task.completed", unasked)).toBeUndefined();
});

for (const [what, text] of [
  ["letters", "x".repeat(1_000_000)],
  ["Chinese", "漢".repeat(300_000)],
  ["pairs of code units", "😀".repeat(200_000)],
  ["line ends, which take two bytes in JSON", "\n".repeat(200_000)],
  ["control characters, which take six", "\u0001".repeat(200_000)],
] as const)
  test(`a long text of ${what} is cut, and the event says so`, () => {
    const { body = "" } = announcerOf().tell(text) ?? {};
    expect(Buffer.byteLength(body)).toBeLessThan(64 * 1024);
    expect(Buffer.byteLength(body)).toBeGreaterThan(48 * 1024);
    const { data } = JSON.parse(body);
    expect(data.truncated).toBe(true);
    expect(text.startsWith(data.text)).toBe(true);
    expect(data.text.isWellFormed()).toBe(true);
  });

test("several texts share the room that there is", () => {
  const { announcer } = announcerOf();
  const event = announcer.tell("agent.error", () => ({
    run_id: "run_1",
    session_id: "s1",
    owner: "api:owner",
    kind: "chat",
    error: { code: "internal", message: "m".repeat(100_000), hint: "h".repeat(100_000) },
    usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
  }));
  expect(Buffer.byteLength(event?.body ?? "")).toBeLessThan(64 * 1024);
  const payload = JSON.parse(event?.body ?? "");
  expect(payload.data.truncated).toBe(true);
  expect(Value.Check(payloadSchema("agent.error"), payload)).toBe(true);
});

test("no secret of the configuration is told, also where a text is cut", () => {
  const { tell } = announcerOf();
  const texts = [
    `it is ${SECRET}`,
    `${"x".repeat(57_330)}${SECRET} and more`,
    Buffer.from(SECRET).toString("base64"),
  ];
  for (const text of texts) {
    const { body = "" } = tell(text) ?? {};
    expect(body).not.toContain(SECRET.slice(0, 12));
    expect(body).not.toContain(Buffer.from(SECRET).toString("base64").slice(0, 12));
  }
});
