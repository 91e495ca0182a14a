import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { createIntake } from "../../../src/gateway/supervision/intake.ts";
import { AppError } from "../../../src/lib/errors.ts";
import type { InboundEvent } from "../../../src/platforms/contract.ts";

const moved = (id: string): InboundEvent => ({ type: "moved", id, from: "1", to: "2" });

/** An intake whose events are received when the test says so. */
function controlled(options: { saveState?: (state: unknown) => Promise<void>; stateIsPlace?: boolean } = {}) {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const saved: unknown[] = [];
  const settled = new Map<number, string | null>();
  const take = createIntake({
    stateIsPlace: options.stateIsPlace ?? true,
    received(event) {
      const gate = Promise.withResolvers<void>();
      gates.set(event.id, gate);
      return gate.promise;
    },
    saveState: options.saveState ?? (async (state) => void saved.push(state)),
    settled: (id, problem) => void settled.set(id, problem),
  });
  return { take, gates, saved, settled };
}

const turn = () => new Promise(setImmediate);

describe("intake", () => {
  test("receives events side by side, and writes a state only behind all events before it", async () => {
    const { take, gates, saved, settled } = controlled();
    take({ id: 1, event: moved("a") });
    take({ id: 2, state: "after a" });
    take({ id: 3, event: moved("b") });
    take({ id: 4, state: "after b" });
    expect([...gates.keys()]).toEqual(["a", "b"]);
    gates.get("b")?.resolve();
    await turn();
    expect([saved, [...settled]]).toEqual([[], [[3, null]]]);
    gates.get("a")?.resolve();
    await turn();
    expect(saved).toEqual(["after a", "after b"]);
    expect([...settled.keys()]).toEqual([3, 1, 2, 4]);
  });

  test("keeps states back while an event is missing", async () => {
    const { take, gates, saved, settled } = controlled();
    take({ id: 1, event: moved("a") });
    gates.get("a")?.reject(new AppError("store_unavailable", "The disk is full."));
    await turn();
    take({ id: 2, state: "too far" });
    await turn();
    expect([saved, settled.get(1), settled.get(2)]).toEqual([[], "The disk is full.", null]);
    take({ id: 3, event: moved("a") });
    gates.get("a")?.resolve();
    take({ id: 4, state: "whole again" });
    await turn();
    expect(saved).toEqual(["whole again"]);
  });

  test("keeps none back where its platform delivers what is missing whatever the state says", async () => {
    const { take, gates, saved } = controlled({ stateIsPlace: false });
    take({ id: 1, event: moved("a") });
    gates.get("a")?.reject(new AppError("store_unavailable", "The disk is full."));
    await turn();
    take({ id: 2, state: "kept" });
    await turn();
    expect(saved).toEqual(["kept"]);
  });

  test("says what a state could not be written for, and nothing of errors that are not for users", async () => {
    const { take, settled } = controlled({ saveState: () => Promise.reject(new Error("secret")) });
    take({ id: 1, state: "new" });
    await turn();
    expect(settled.get(1)).toBe("Something went wrong inside Hermes.");
  });

  test("keeps nothing of what it has received, also of a platform that never saves a state", async () => {
    let received = 0;
    const take = createIntake({
      stateIsPlace: true,
      received: async () => void received++,
      saveState: async () => undefined,
      settled: () => undefined,
    });
    const heapBytes = () => {
      Bun.gc(true);
      return heapStats().heapSize;
    };
    const events = async (count: number) => {
      for (let id = 1; id <= count; id++) {
        take({ id, event: moved(`m${id % 10}`) });
        if (id % 1_000 === 0) await turn();
      }
      await turn();
    };
    await events(20_000);
    const beforeBytes = heapBytes();
    await events(200_000);
    expect(received).toBe(220_000);
    expect((heapBytes() - beforeBytes) / 200_000).toBeLessThan(16);
  });
});
