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
  const reasons: string[] = [];
  const clock = { elapsedMs: 0 };
  const store = {
    recordParts: async () => undefined,
    postpone: async () => void became.push("postponed"),
    finish: async () => void became.push("sent"),
    bury: async (_id: string, error: { message: string }) => {
      became.push("dead");
      reasons.push(error.message);
    },
  } as unknown as DeliveryStore;
  const pace = createPace(TOY_LIMITS);
  const dispatch = createDispatch({
    store,
    find: () => chat.connection,
    paceOf: () => pace,
    followMove: async (_connection, from, to) => void became.push(`${from} to ${to}`),
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
  const move = (movedTo: string) =>
    chat.failures.push({ name: "send", error: new PlatformError("moved", "gone", { movedTo }) });
  return { chat, became, reasons, clock, send, fail, move };
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

test("a chat that moved is followed", async () => {
  const { became, send, move } = open();
  move("2");
  await send();
  expect(became).toEqual(["1 to 2", "sent"]);
});

test("a message that is sent from chat to chat without an end is given up, in words", async () => {
  const { chat, became, reasons, send, move } = open();
  for (let n = 0; n < 40; n++) move(n % 2 === 0 ? "2" : "1");
  await send();
  expect(became).toEqual(["1 to 2", "2 to 1", "1 to 2", "dead"]);
  expect(reasons[0]).toContain("from chat to chat without an end, now to 1");
  expect(chat.calls).toHaveLength(4);
});

test("a chat that moved to where it is gets nothing more", async () => {
  const { became, send, move } = open();
  move("1");
  await send();
  expect(became).toEqual(["dead"]);
});
