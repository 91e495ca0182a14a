import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AppError } from "../../src/lib/errors.ts";
import { createLog, type LogLevel, type LogOptions } from "../../src/lib/log.ts";

const NOW_MS = Date.parse("2026-01-02T03:04:05.678Z");

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "json",
    redact: (line) => line.replaceAll("s3cret", "[redacted]"),
    write: (line) => lines.push(line),
    now: () => NOW_MS,
    ...options,
  });
  return { log, lines, json: () => lines.map((line) => JSON.parse(line)) };
}

describe("log", () => {
  test("a JSON line has time, level, message and fields", () => {
    const { log, lines } = capture();
    log.info("started", { port: 1, url: "http://x/", none: undefined });
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.678Z","level":"info","message":"started","port":1,"url":"http://x/"}\n',
    ]);
  });

  test("a text line reads well, and is coloured only when asked", () => {
    const plain = capture({ format: "text" });
    plain.log.warn("slow answer", { ms: 12, model: "a/b", note: "two words", quoted: 'x"y' });
    expect(plain.lines).toEqual([
      '2026-01-02T03:04:05.678Z warn  slow answer ms=12 model=a/b note="two words" quoted="x\\"y"\n',
    ]);
    const colored = capture({ format: "text", color: true });
    colored.log.warn("slow answer");
    expect(colored.lines[0]).toContain("\u001b[33m");
  });

  test("a field cannot pose as the head of the line", () => {
    const { log, json } = capture();
    log.info("real", { level: "error", message: "forged", time: "never" });
    expect(json()).toEqual([{ time: "2026-01-02T03:04:05.678Z", level: "info", message: "real" }]);
  });

  test("levels are kept, and change for every log made from it", () => {
    const { log, json } = capture({ level: "warn" });
    const child = log.with({ run: "r1" });
    const all = () =>
      (["debug", "info", "warn", "error"] as const).forEach((level) => void child[level](level));
    all();
    log.setLevel("debug");
    all();
    log.setLevel("error");
    all();
    expect(json().map((line) => line.message as LogLevel)).toEqual([
      "warn",
      "error",
      "debug",
      "info",
      "warn",
      "error",
      "error",
    ]);
  });

  test("bound fields come first and can be overridden", () => {
    const { log, lines } = capture({ format: "text" });
    log.with({ a: 1, b: 1 }).with({ b: 2 }).info("x", { c: 3 });
    expect(lines[0]).toEndWith("x a=1 b=2 c=3\n");
  });

  test("errors are unfolded with code, hint and causes; stacks only at debug", () => {
    const cause = Object.assign(new TypeError("socket"), { code: "ECONNRESET" });
    const error = new AppError("model_unreachable", "No answer.", { hint: "Retry.", cause });
    const { log, json } = capture();
    log.error("failed", { error });
    expect(json()[0].error).toEqual({
      name: "AppError",
      message: "No answer.",
      code: "model_unreachable",
      hint: "Retry.",
      cause: { name: "TypeError", message: "socket", code: "ECONNRESET" },
    });
    log.setLevel("debug");
    log.error("failed", { error });
    expect(json()[1].error.stack).toContain("log.test.ts");
    expect(json()[1].error.cause.stack).toContain("log.test.ts");
  });

  test("control characters, line ends and direction marks never reach the line", () => {
    const nasty = "a\nb\r\u001b[31mc\u0000\u0085\u2028\u202ed\u007f\u200f\ufeff";
    for (const format of ["json", "text"] as const) {
      const { log, lines } = capture({ format });
      log.info(nasty, { [nasty]: nasty, list: [nasty], error: new Error(nasty) });
      expect(lines).toHaveLength(1);
      expect(lines[0]?.slice(0, -1)).not.toMatch(/[^ -~]/);
      if (format === "json") expect(JSON.parse(lines[0] ?? "").message).toBe(nasty);
    }
  });

  test("values of headers are cut at 200 characters, credentials hidden, other texts cut at 2000", () => {
    const { log, json } = capture();
    const long = "x".repeat(15_000);
    const headers = new Headers({ "user-agent": long, authorization: "Bearer abc", "x-other": long });
    log.warn("bad request", { headers, userAgent: long, origin: long, note: long, cookie: "a=b" });
    const [line] = json();
    const cut = `${"x".repeat(200)}… (15000 characters)`;
    expect(line.headers).toEqual({ authorization: "[hidden]", "user-agent": cut, "x-other": cut });
    expect([line.userAgent, line.origin, line.cookie]).toEqual([cut, cut, "[hidden]"]);
    expect(line.note).toBe(`${"x".repeat(2000)}… (15000 characters)`);
  });

  test("secrets are taken out everywhere, also where the cut goes through one", () => {
    const secret = 'to"p\\s3cret';
    const { log, lines } = capture({
      redact: (text) => text.replaceAll(secret, "*").replaceAll("s3cret", "*"),
    });
    log.info("message s3cret", {
      s3cret: 1,
      deep: [{ text: secret }],
      origin: `${"x".repeat(195)}s3cret`,
      error: new Error(secret),
    });
    expect(lines[0]).not.toContain("s3cret");
    expect(lines[0]).not.toContain("s3c");
    expect(lines[0]).not.toContain("to\\");
  });

  test("odd values are shown, never thrown at the caller", () => {
    const { log, json } = capture();
    const circle: Record<string, unknown> = { n: 1 };
    circle["self"] = circle;
    log.info("odd", {
      circle,
      big: 10n,
      nan: Number.NaN,
      date: new Date(0),
      badDate: new Date(Number.NaN),
      bytes: new Uint8Array(3),
      map: new Map([["k", new Set([1])]]),
      many: Array.from({ length: 60 }, (_, i) => i),
      symbol: Symbol("s"),
      call: () => 1,
      nothing: null,
    });
    const [{ many, time, level, message, ...rest }] = json();
    expect(many).toHaveLength(50);
    expect(rest).toEqual({
      circle: { n: 1, self: "[circular]" },
      big: "10",
      nan: "NaN",
      date: "1970-01-01T00:00:00.000Z",
      badDate: "invalid date",
      bytes: "[3 bytes]",
      map: { k: [1] },
      symbol: "Symbol(s)",
      nothing: null,
    });
  });

  test("any value makes exactly one printable line of either format", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.dictionary(fc.string(), fc.anything()),
        (message, fields) => {
          for (const format of ["json", "text"] as const) {
            const { log, lines } = capture({ format });
            log.info(message, fields);
            expect(lines).toHaveLength(1);
            expect(lines[0]?.slice(0, -1)).not.toMatch(/\p{Cc}|\u2028|\u2029/u);
            if (format === "json") JSON.parse(lines[0] ?? "");
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
