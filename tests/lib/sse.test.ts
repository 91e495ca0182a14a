import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createSseParser,
  encodeSseComment,
  encodeSseEvent,
  type SseEvent,
  SseTooLargeError,
} from "../../src/lib/sse.ts";

const encoder = new TextEncoder();
const LIMIT = { maxEventChars: 1000 };

function parse(...pieces: (string | Uint8Array)[]): SseEvent[] {
  const parser = createSseParser(LIMIT);
  return pieces.flatMap((piece) => parser.push(typeof piece === "string" ? encoder.encode(piece) : piece));
}
const datas = (events: SseEvent[]) => events.map((event) => event.data);

describe("SSE parser", () => {
  const cases: { name: string; stream: string; events: SseEvent[] }[] = [
    { name: "a message", stream: "data: a\n\n", events: [{ id: "", event: "message", data: "a" }] },
    {
      name: "a named event with an id",
      stream: "event: e\nid: 7\ndata: a\n\n",
      events: [{ id: "7", event: "e", data: "a" }],
    },
    {
      name: "the id stays, the name does not",
      stream: "event: e\nid: 7\ndata: a\n\ndata: b\n\n",
      events: [
        { id: "7", event: "e", data: "a" },
        { id: "7", event: "message", data: "b" },
      ],
    },
    {
      name: "several data lines",
      stream: "data: a\ndata:\ndata: c\n\n",
      events: [{ id: "", event: "message", data: "a\n\nc" }],
    },
    {
      name: "one space is dropped, no more",
      stream: "data:  a\n\n",
      events: [{ id: "", event: "message", data: " a" }],
    },
    { name: "no space at all", stream: "data:a:b\n\n", events: [{ id: "", event: "message", data: "a:b" }] },
    { name: "a field without colon", stream: "data\n\n", events: [{ id: "", event: "message", data: "" }] },
    {
      name: "comments, retry and unknown fields",
      stream: ": hi\nretry: 5\nfoo: x\ndata: a\n\n",
      events: [{ id: "", event: "message", data: "a" }],
    },
    {
      name: "an event without data",
      stream: "event: e\n\nid: 3\n\ndata: a\n\n",
      events: [{ id: "3", event: "message", data: "a" }],
    },
    {
      name: "an id with NUL",
      stream: "id: a\0b\ndata: a\n\n",
      events: [{ id: "", event: "message", data: "a" }],
    },
    {
      name: "CRLF",
      stream: "data: a\r\ndata: b\r\n\r\n",
      events: [{ id: "", event: "message", data: "a\nb" }],
    },
    { name: "CR", stream: "data: a\rdata: b\r\r", events: [{ id: "", event: "message", data: "a\nb" }] },
    {
      name: "mixed line ends",
      stream: "data: a\r\ndata: b\n\rdata: c\r\n\n",
      events: [
        { id: "", event: "message", data: "a\nb" },
        { id: "", event: "message", data: "c" },
      ],
    },
    { name: "a BOM", stream: "\uFEFFdata: a\n\n", events: [{ id: "", event: "message", data: "a" }] },
    {
      name: "an unfinished event",
      stream: "data: a\n\ndata: b\n",
      events: [{ id: "", event: "message", data: "a" }],
    },
  ];
  for (const { name, stream, events } of cases)
    test(name, () => {
      expect(parse(stream)).toEqual(events);
      expect(parse(...[...encoder.encode(stream)].map((byte) => Uint8Array.of(byte)))).toEqual(events);
    });

  test("any cutting of a byte stream gives the same events", () => {
    const line = fc.oneof(
      fc.constantFrom("", ":", "data", "data:", "id: 1", "event: x", "retry: 1"),
      fc.string({ unit: "binary", maxLength: 12 }).map((text) => `data: ${text}`),
      fc.string({ maxLength: 12 }),
    );
    const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 30 });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (lines, cuts) => {
        const bytes = encoder.encode(lines.map((parts) => parts.join("")).join(""));
        const places = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
        expect(parse(...pieces)).toEqual(parse(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test("an event is dispatched as soon as its last byte is there", () => {
    const parser = createSseParser(LIMIT);
    expect(datas(parser.push(encoder.encode("data: a\r\r")))).toEqual(["a"]);
    expect(parser.push(encoder.encode("\n"))).toEqual([]);
  });

  test("invalid UTF-8 becomes U+FFFD, split characters survive", () => {
    expect(datas(parse(Uint8Array.of(...encoder.encode("data: "), 0xff, 10, 10)))).toEqual(["\uFFFD"]);
    const bytes = encoder.encode("data: 你🙂\n\n");
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(datas(parse(bytes.subarray(0, cut), bytes.subarray(cut)))).toEqual(["你🙂"]);
  });

  test("an endless line and an endless event are refused", () => {
    expect(() => parse("x".repeat(1001))).toThrow(SseTooLargeError);
    expect(() => parse(...Array.from({ length: 60 }, () => `data: ${"x".repeat(20)}\n`))).toThrow(
      SseTooLargeError,
    );
    expect(datas(parse(`data: ${"x".repeat(900)}\n\n`))[0]).toHaveLength(900);
  });
});

describe("SSE encoder", () => {
  test("what it writes is read back", () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[a-z0-9._-]{1,20}$/), (data, name) => {
        const parser = createSseParser({ maxEventChars: 10_000 });
        const events = parser.push(encoder.encode(encodeSseEvent({ id: name, event: name, data })));
        expect(events).toEqual([{ id: name, event: name, data: data.replace(/\r\n|\r/g, "\n") }]);
      }),
    );
  });

  test("a data line per line, and nothing but data when nothing else is given", () => {
    expect(encodeSseEvent({ data: "a\nb\r\nc" })).toBe("data: a\ndata: b\ndata: c\n\n");
    expect(encodeSseEvent({ id: "1", event: "e", data: "" })).toBe("id: 1\nevent: e\ndata: \n\n");
  });

  test("ids and names cannot smuggle lines in", () => {
    expect(() => encodeSseEvent({ id: "1\ndata: x", data: "" })).toThrow(TypeError);
    expect(() => encodeSseEvent({ id: "1\0", data: "" })).toThrow(TypeError);
    expect(() => encodeSseEvent({ event: "a\rb", data: "" })).toThrow(TypeError);
  });

  test("comments dispatch nothing, whatever is in them", () => {
    expect(encodeSseComment("alive")).toBe(": alive\n\n");
    expect(parse(encodeSseComment("a\ndata: x"))).toEqual([]);
  });
});
