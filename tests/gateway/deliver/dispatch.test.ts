import { expect, test } from "bun:test";
import { createDispatch } from "../../../src/gateway/deliver/dispatch.ts";
import { createPace } from "../../../src/gateway/deliver/pace.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import type { DeliveryStore } from "../../../src/store/contract.ts";
import type { OutboundDelivery } from "../../../src/store/records.ts";
import { TOY_LIMITS, toyChat } from "../../support/chat.ts";
import { quietLog } from "../../support/store.ts";

const HOUR_MS = 3_600_000;

/** A delivery that was taken on two days ago, and a clock that a test moves. */
function open() {
  const chat = toyChat();
  const became: string[] = [];
  const clock = { elapsedMs: 0 };
  const store = {
    recordParts: async () => undefined,
    postpone: async () => void became.push("postponed"),
    finish: async () => void became.push("sent"),
    bury: async () => void became.push("dead"),
  } as unknown as DeliveryStore;
  const pace = createPace(TOY_LIMITS);
  const dispatch = createDispatch({
    store,
    find: () => chat.connection,
    paceOf: () => pace,
    followMove: async () => undefined,
    log: quietLog(),
    signal: new AbortController().signal,
    elapsedMs: () => clock.elapsedMs,
  });
  const delivery: OutboundDelivery = {
    id: "dlv_1",
    kind: "notice",
    target: { platform: "telegram", account: "", chat: "1" },
    position: 1,
    status: "due",
    parts: [],
    attempts: 0,
    dueAt: 0,
    error: null,
    createdAt: Date.now() - 48 * HOUR_MS,
    finishedAt: null,
  };
  const send = () => dispatch.send({ delivery, shown: [] }, async () => [{ markdown: "late" }]);
  const fail = (kind: "rate_limited" | "unavailable") =>
    chat.failures.push({ name: "send", error: new PlatformError(kind, "no", { retryAfterMs: 1 }) });
  return { chat, became, clock, send, fail };
}

test("what waited for days, while nothing could be sent or its turn did not come, is not given up at the first failure", async () => {
  const { became, send, fail } = open();
  fail("rate_limited");
  fail("unavailable");
  await send();
  expect(became).toEqual(["postponed", "postponed", "sent"]);
});

test("what was tried for a day is given up", async () => {
  const { chat, became, clock, send, fail } = open();
  for (let n = 0; n < 3; n++) fail("unavailable");
  const { send: original } = chat.connection.adapter;
  chat.connection.adapter.send = (...args) => {
    clock.elapsedMs += 13 * HOUR_MS;
    return original(...args);
  };
  await send();
  expect(became).toEqual(["postponed", "postponed", "dead"]);
});
