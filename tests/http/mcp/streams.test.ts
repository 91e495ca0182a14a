import { describe, expect, test } from "bun:test";
import { createMcpStreams } from "../../../src/http/mcp/streams.ts";

const BEAT_MS = 5;

/** A source that says what the test tells it to. */
function source() {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
    cancel: () => resolve(),
  });
  return {
    answer: new Response(body, {
      status: 200,
      headers: { "content-type": "text/event-stream", "x-kept": "1" },
    }),
    say: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("canary")),
    cancelled,
  };
}

/** A stream of these streams, and a promise of its release. */
function open(
  streams: ReturnType<typeof createMcpStreams>,
  from: Response,
  keyId: string,
  isStanding = false,
) {
  const { promise: released, resolve } = Promise.withResolvers<void>();
  return { answer: streams.open(from, { keyId, isStanding, release: resolve }), released };
}

describe("streams of MCP", () => {
  test("pass on what is said, byte by byte, and let go at the end", async () => {
    const streams = createMcpStreams();
    const { answer: from, say, end } = source();
    const { answer, released } = open(streams, from, "a");
    say("data: 1\n\n");
    say("data: 二\n\n");
    end();
    expect([answer.status, answer.headers.get("x-kept")]).toEqual([200, "1"]);
    expect(await answer.text()).toBe("data: 1\n\ndata: 二\n\n");
    await released;
    expect(streams.size).toBe(0);
  });

  test("a standing one says something at once, so that its headers leave", async () => {
    const streams = createMcpStreams();
    const { answer } = open(streams, source().answer, "a", true);
    const first = await answer.body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toBe(": hermes\n\n");
    streams.end("all");
  });

  test("end with their key, and with no other", async () => {
    const streams = createMcpStreams();
    const [first, second] = [source(), source()];
    const a = open(streams, first.answer, "a");
    const b = open(streams, second.answer, "b");
    streams.dropKeys((keyId) => keyId === "b");
    expect(await a.answer.text()).toBe("");
    await Promise.all([a.released, first.cancelled]);
    expect(streams.size).toBe(1);
    second.say("still here");
    second.end();
    expect(await b.answer.text()).toBe("still here");
  });

  test("a stop ends the standing ones first, the calls when their time is over", async () => {
    const streams = createMcpStreams();
    const [first, second] = [source(), source()];
    const standing = open(streams, first.answer, "a", true);
    const call = open(streams, second.answer, "a");
    streams.end("standing");
    expect(await standing.answer.text()).toContain("retry: 1000\n\n");
    expect(streams.size).toBe(1);
    streams.end("all");
    expect(await call.answer.text()).toContain("Hermes is stopping");
    await Promise.all([first.cancelled, second.cancelled]);
  });

  test("a client that goes away ends its source", async () => {
    const streams = createMcpStreams();
    const { answer: from, cancelled } = source();
    const { answer, released } = open(streams, from, "a");
    await answer.body?.cancel();
    await Promise.all([cancelled, released]);
    expect(streams.size).toBe(0);
  });

  test("a client that reads nothing is let go, one that hears nothing is not", async () => {
    const streams = createMcpStreams({ beatMs: BEAT_MS });
    const [deaf, silent] = [source(), source()];
    const unread = open(streams, deaf.answer, "a");
    const listening = open(streams, silent.answer, "a");
    const heard = listening.answer.text();
    deaf.say("data: 1\n\n");
    deaf.say("data: 2\n\n");
    await Promise.all([unread.released, deaf.cancelled]);
    await expect(unread.answer.text()).rejects.toThrow();
    expect(streams.size).toBe(1);
    silent.say("data: 3\n\n");
    silent.end();
    expect(await heard).toBe("data: 3\n\n");
  });

  test("a source that breaks cuts the connection: it never looks like an end", async () => {
    const streams = createMcpStreams();
    const { answer: from, fail } = source();
    const { answer, released } = open(streams, from, "a");
    fail();
    await expect(answer.text()).rejects.toThrow();
    await released;
  });
});
