import { describe, expect, test } from "bun:test";
import type { Admission } from "../../src/http/admission.ts";
import { createSseHub, lastEventId, type SseHubOptions } from "../../src/http/sse.ts";
import { createSseParser, type SseEvent } from "../../src/lib/sse.ts";
import type { RunEventRecord } from "../../src/store/records.ts";
import { quietLog } from "../support/store.ts";

const admission = (keyId: string | null = "key"): Admission => ({
  requestId: "req",
  route: null,
  caller: null,
  keyId,
  grants: null,
  verify: null,
  headers: { "x-run-id": "run_1" },
});
const record = (seq: number, data = `{"n":${seq}}`): RunEventRecord => ({ seq, type: "message.delta", data });
const hubOf = (options: Partial<SseHubOptions> = {}) => createSseHub({ log: quietLog(), ...options });

/** Events that come when the test says so. */
function source() {
  const waiting: RunEventRecord[][] = [];
  let wake = Promise.withResolvers<void>();
  let over = false;
  let aborted = Promise.withResolvers<void>();
  return {
    push(...batch: RunEventRecord[]) {
      waiting.push(batch);
      wake.resolve();
    },
    end() {
      over = true;
      wake.resolve();
    },
    get aborted() {
      return aborted.promise;
    },
    events: async function* (signal: AbortSignal) {
      aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => {
        aborted.resolve();
        wake.resolve();
      });
      while (!signal.aborted) {
        const batch = waiting.shift();
        if (batch) yield batch;
        else if (over) return;
        else {
          await wake.promise;
          wake = Promise.withResolvers();
        }
      }
    },
  };
}

async function text(answer: Response): Promise<string> {
  return await answer.text();
}

function eventsIn(stream: string): SseEvent[] {
  return createSseParser({ maxEventChars: 10_000_000 }).push(new TextEncoder().encode(stream));
}

describe("event streams", () => {
  test("carry the stored text unchanged, with ids and types", async () => {
    const from = source();
    const answer = hubOf().open({ events: from.events, admission: admission() });
    from.push(record(1), record(2, '{"delta":"你好\\n \\u2028"}'));
    from.push(record(7));
    from.end();
    expect(eventsIn(await text(answer))).toEqual([
      { id: "1", event: "message.delta", data: '{"n":1}' },
      { id: "2", event: "message.delta", data: '{"delta":"你好\\n \\u2028"}' },
      { id: "7", event: "message.delta", data: '{"n":7}' },
    ]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-request-id": "req",
      "x-run-id": "run_1",
    });
  });

  test("say something at once, and again whenever nothing happens", async () => {
    const hub = hubOf({ beatMs: 5 });
    const reader = hub.open({ events: source().events, admission: admission() }).body?.getReader();
    const decoder = new TextDecoder();
    const heard: string[] = [];
    for (let i = 0; i < 3; i++) heard.push(decoder.decode((await reader?.read())?.value));
    expect(heard).toEqual([": hermes\n\n", ": still here\n\n", ": still here\n\n"]);
    hub.stop();
  });

  test("a client that goes away ends its source, and is forgotten", async () => {
    const hub = hubOf();
    const from = source();
    const answer = hub.open({ events: from.events, admission: admission() });
    expect(hub.size).toBe(1);
    await answer.body?.cancel();
    await from.aborted;
    expect(hub.size).toBe(0);
  });

  test("a client that reads slowly gets everything, and its source waits for it", async () => {
    const hub = hubOf({ maxUnreadBytes: 10_000 });
    let made = 0;
    const answer = hub.open({
      events: async function* () {
        for (made = 1; made <= 20; made++) yield [record(made, "x".repeat(6000))];
      },
      admission: admission(),
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBe(2);
    expect(eventsIn(await text(answer)).map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(hub.size).toBe(0);
  });

  test("an event larger than the queue reaches its reader", async () => {
    const answer = hubOf({ maxUnreadBytes: 100 }).open({
      events: async function* () {
        yield [record(1, "x".repeat(3_000_000))];
        yield [record(2)];
      },
      admission: admission(),
    });
    expect(eventsIn(await text(answer)).length).toBe(2);
  });

  test("a client that does not read at all is let go after two heartbeats", async () => {
    const hub = hubOf({ maxUnreadBytes: 1000, beatMs: 5 });
    const from = source();
    const unread = hub.open({ events: from.events, admission: admission() });
    from.push(record(1, "x".repeat(5000)));
    await from.aborted;
    expect(hub.size).toBe(0);
    await expect(text(unread)).rejects.toThrow("does not read");
  });

  test("a source that fails cuts the stream, so that it never looks finished", async () => {
    const lines: string[] = [];
    const hub = hubOf({ log: quietLog(lines) });
    const answer = hub.open({
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      events: async function* () {
        throw new Error("disk on fire");
      },
      admission: admission(),
    });
    await expect(text(answer)).rejects.toThrow("disk on fire");
    expect(lines.join("")).toContain("disk on fire");
    expect(hub.size).toBe(0);
  });

  test("a stop is announced, and then ends every stream", async () => {
    const hub = hubOf();
    const answers = [1, 2, 3].map(() => hub.open({ events: source().events, admission: admission() }));
    hub.announceStop();
    hub.stop();
    for (const answer of answers)
      expect(await text(answer)).toBe(": hermes\n\n: Hermes is stopping\n\nretry: 1000\n\n");
    expect(hub.size).toBe(0);
  });

  test("streams of a key that is taken away end, others go on", async () => {
    const hub = hubOf();
    const old = hub.open({ events: source().events, admission: admission("old") });
    hub.open({ events: source().events, admission: admission("kept") });
    hub.dropKeys((keyId) => keyId === "kept");
    expect(await text(old)).toBe(": hermes\n\n");
    expect(hub.size).toBe(1);
    hub.stop();
  });
});

describe("Last-Event-ID", () => {
  const read = (value?: string) =>
    lastEventId(new Headers(value === undefined ? {} : { "last-event-id": value }));
  test("is a number, and 0 when absent", () => {
    expect([read(), read(""), read("0"), read("17")]).toEqual([0, 0, 0, 17]);
  });
  for (const bad of ["-1", "1.5", "abc", "0x1", "1e3", "1 2", "9".repeat(16)])
    test(`${bad} is refused`, () => {
      expect(() => read(bad)).toThrow("Last-Event-ID is not the id of an event.");
    });
});
