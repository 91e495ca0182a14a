import { describe, expect, test } from "bun:test";
import { AppError, type ErrorCode } from "../../src/lib/errors.ts";
import type { Model, ModelEvent } from "../../src/models/contract.ts";
import { type Candidate, withRetries } from "../../src/models/retry.ts";
import { eventsOf, failure, hear, memoryLog } from "../support/models.ts";

type Try =
  | "answer"
  | "answer after text"
  | { code: ErrorCode; afterText?: true; retryAfterMs?: number }
  | Error;

/** A model whose tries go as listed; the last one for ever. */
function scripted(ref: string, tries: Try[]): Candidate & { count: () => number } {
  let count = 0;
  const model: Model = {
    async *stream() {
      const next = tries[Math.min(count, tries.length - 1)];
      count += 1;
      if (next instanceof Error) throw next;
      if (typeof next === "object") {
        if (next.afterText) yield [{ type: "text", text: "half " }];
        const { code, retryAfterMs } = next;
        throw new AppError(code, `${ref} failed`, {
          hint: "Wait.",
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
      }
      yield [{ type: "text", text: `${ref} says hi` }];
      yield [{ type: "end", finish: "stop", usage: { inputTokens: 1, outputTokens: 1 }, model: ref }];
    },
  };
  return { ref, model, count: () => count };
}
const run = (candidates: Candidate[], retries: number, log = memoryLog()) =>
  hear(withRetries(candidates, { retries, log, baseMs: 1 }), {});

describe("retries", () => {
  for (const code of [
    "model_bad_answer",
    "model_unreachable",
    "model_rate_limited",
    "model_timeout",
  ] as const)
    test(`${code} is tried again`, async () => {
      const a = scripted("a", [{ code }, "answer"]);
      expect((await run([a], 1)).text).toBe("a says hi");
      expect(a.count()).toBe(2);
    });

  test("what was yielded is taken back first", async () => {
    const heard = await run([scripted("a", [{ code: "model_bad_answer", afterText: true }, "answer"])], 1);
    expect(heard).toMatchObject({ text: "a says hi", restarts: ["a failed"] });
  });

  test("nothing is taken back when nothing was yielded", async () => {
    expect((await run([scripted("a", [{ code: "model_bad_answer" }, "answer"])], 1)).restarts).toEqual([]);
  });

  test("no more than so many, and the error tells", async () => {
    const a = scripted("a", [{ code: "model_timeout" }]);
    const b = scripted("b", [{ code: "model_refused" }]);
    const error = await failure(run([a, b], 2));
    expect([a.count(), b.count()]).toEqual([3, 1]);
    expect(error).toMatchObject({
      code: "model_refused",
      message: "b failed",
      hint: "Wait. Tried: a (3 times), b.",
    });
  });

  test("a refusal goes to the next candidate at once", async () => {
    const a = scripted("a", [{ code: "model_refused" }]);
    const heard = await run([a, scripted("b", ["answer"])], 5);
    expect(heard.end.model).toBe("b");
    expect(a.count()).toBe(1);
  });

  test("a fallback after text takes it back", async () => {
    const heard = await run(
      [scripted("a", [{ code: "model_refused", afterText: true }]), scripted("b", ["answer"])],
      0,
    );
    expect(heard).toMatchObject({ text: "b says hi", restarts: ["a failed"] });
  });

  test("Retry-After is honoured", async () => {
    const startedMs = performance.now();
    await run([scripted("a", [{ code: "model_rate_limited", retryAfterMs: 40 }, "answer"])], 1);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(39);
  });

  test("a Retry-After of minutes is not waited for", async () => {
    const a = scripted("a", [{ code: "model_rate_limited", retryAfterMs: 600_000 }]);
    const error = await failure(run([a], 3));
    expect(a.count()).toBe(1);
    expect(error.retryAfterMs).toBe(600_000);
    expect((await run([a, scripted("b", ["answer"])], 3)).end.model).toBe("b");
  });

  test("an error that is no AppError is a fault of this program and is not covered up", async () => {
    const fault = new TypeError("bug");
    expect((await failure(run([scripted("a", [fault]), scripted("b", ["answer"])], 3))) as Error).toBe(fault);
  });

  test("every failure is logged", async () => {
    const log = memoryLog();
    await run([scripted("a", [{ code: "model_timeout" }, "answer"])], 1, log);
    expect(log.lines).toMatchObject([{ level: "warn", fields: { model: "a", code: "model_timeout" } }]);
  });
});

describe("abort", () => {
  test("during an attempt: no other one", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const a = scripted("a", [{ code: "model_unreachable", afterText: true }]);
    const b = scripted("b", ["answer"]);
    const events: ModelEvent[] = [];
    const reading = (async () => {
      const model = withRetries([a, b], { retries: 3, log: memoryLog(), baseMs: 1 });
      for await (const event of eventsOf(model, {}, controller.signal)) {
        events.push(event);
        controller.abort(reason);
      }
    })();
    expect((await failure(reading)) as Error).toBe(reason);
    expect([a.count(), b.count(), events.length]).toEqual([1, 0, 1]);
  });

  test("during the wait: the reason, at once", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const a = scripted("a", [{ code: "model_rate_limited", retryAfterMs: 20_000 }]);
    const log = memoryLog();
    const call = hear(
      withRetries([a], {
        retries: 1,
        log: { ...log, warn: () => setImmediate(() => controller.abort(reason)) },
      }),
      {},
      controller.signal,
    );
    expect((await failure(call)) as Error).toBe(reason);
    expect(a.count()).toBe(1);
  });

  test("a consumer that leaves ends the attempt", async () => {
    const a = scripted("a", ["answer"]);
    for await (const event of eventsOf(withRetries([a], { retries: 3, log: memoryLog() })))
      if (event.type === "text") break;
    expect(a.count()).toBe(1);
  });
});
