import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createSchedule } from "../../src/agent/schedule.ts";
import { quietLog } from "../support/store.ts";

const log = quietLog();

describe("schedule", () => {
  test("keeps every session's order and the limit, whatever is added when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.scheduler(),
        async (sessions, maxConcurrent, s) => {
          const order: string[] = [];
          let running = 0;
          let ended = 0;
          const done = Promise.withResolvers<void>();
          const schedule = createSchedule({
            maxConcurrent,
            log,
            async execute({ id }) {
              running += 1;
              expect(running).toBeLessThanOrEqual(maxConcurrent);
              order.push(id);
              await s.schedule(Promise.resolve());
              running -= 1;
              ended += 1;
              if (ended === sessions.length) done.resolve();
              return "done";
            },
          });
          for (const [index, session] of sessions.entries())
            schedule.add({ id: `${session}:${index}`, sessionKey: `${session}` });
          await s.waitFor(done.promise);
          for (const session of new Set(sessions)) {
            const own = order
              .filter((id) => id.startsWith(`${session}:`))
              .map((id) => Number(id.split(":")[1]));
            expect(own).toEqual(own.toSorted((a, b) => a - b));
          }
          await schedule.stop();
          expect(schedule.waiting).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("whoever has half of the places lets others go first, however many sessions of theirs were ready before", async () => {
    const started: string[] = [];
    const going = new Map<string, () => void>();
    const schedule = createSchedule({
      maxConcurrent: 4,
      log,
      execute({ id }) {
        started.push(id);
        return new Promise((resolve) => going.set(id, () => resolve("done")));
      },
    });
    const end = async (id: string) => {
      going.get(id)?.();
      await new Promise(setImmediate);
    };
    for (let n = 0; n < 20; n++) schedule.add({ id: `a${n}`, sessionKey: `ann/${n}` });
    expect(started).toEqual(["a0", "a1", "a2", "a3"]); // as long as nobody else is there
    for (const who of ["b", "c"]) schedule.add({ id: who, sessionKey: `${who}/1` });
    await end("a0");
    await end("a1");
    expect(started.slice(4)).toEqual(["b", "c"]);
    await end("b");
    await end("a2");
    expect(started.slice(6)).toEqual(["a4", "a5"]);
    for (const id of going.keys()) setImmediate(() => end(id));
    while (started.length < 22) for (const id of going.keys()) await end(id);
    await schedule.stop();
  });

  test("what is busy elsewhere is tried again, and holds no place meanwhile", async () => {
    let busy = 3;
    const order: string[] = [];
    const done = Promise.withResolvers<void>();
    const schedule = createSchedule({
      maxConcurrent: 1,
      log,
      async execute({ id }) {
        if (id === "held" && busy-- > 0) return "busy";
        order.push(id);
        if (order.length === 2) done.resolve();
        return "done";
      },
    });
    schedule.add({ id: "held", sessionKey: "a" });
    schedule.add({ id: "free", sessionKey: "b" });
    await done.promise;
    expect(order).toEqual(["free", "held"]);
    await schedule.stop();
  });

  test("a start that throws is tried again", async () => {
    let failures = 2;
    const done = Promise.withResolvers<void>();
    const schedule = createSchedule({
      maxConcurrent: 1,
      log,
      async execute() {
        if (failures-- > 0) throw new Error("no disk");
        done.resolve();
        return "done";
      },
    });
    schedule.add({ id: "a", sessionKey: "s" });
    await done.promise;
    await schedule.stop();
  });

  test("an older run that comes while a younger one of its session is tried goes before it", async () => {
    const tried = Promise.withResolvers<void>();
    const order: string[] = [];
    const done = Promise.withResolvers<void>();
    const schedule = createSchedule({
      maxConcurrent: 4,
      log,
      async execute({ id }) {
        if (id === "young" && !order.includes("old")) {
          await tried.promise;
          return "busy";
        }
        order.push(id);
        if (id === "young") done.resolve();
        return "done";
      },
    });
    const [old, young] = [
      { id: "old", sessionKey: "s" },
      { id: "young", sessionKey: "s" },
    ];
    schedule.add(young);
    schedule.merge([old, young]);
    tried.resolve();
    await done.promise;
    expect(order).toEqual(["old", "young"]);
    await schedule.stop();
  });

  test("what is taken out never starts, and known runs are not added twice", async () => {
    const started: string[] = [];
    const gate = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const schedule = createSchedule({
      maxConcurrent: 1,
      log,
      async execute({ id }) {
        started.push(id);
        await gate.promise;
        if (id === "c") done.resolve();
        return "done";
      },
    });
    const runs = ["a", "b", "c"].map((id) => ({ id, sessionKey: "s" }));
    for (const run of runs) schedule.add(run);
    schedule.merge(runs);
    expect(schedule.waiting).toBe(2); // the first one has its place
    schedule.remove("b");
    gate.resolve();
    await done.promise;
    expect(started).toEqual(["a", "c"]);
    await schedule.stop();
    schedule.add({ id: "late", sessionKey: "s" });
    expect(schedule.waiting).toBe(0);
  });

  test("sub-tasks need no place, and take none from others", async () => {
    const begun: string[] = [];
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const schedule = createSchedule({
      maxConcurrent: 1,
      log,
      async execute({ id }) {
        begun.push(id);
        const gate = Promise.withResolvers<void>();
        gates.set(id, gate);
        await gate.promise;
        return "done";
      },
    });
    const add = (id: string, isSubTask: boolean) => schedule.add({ id, sessionKey: id, isSubTask });
    add("parent", false);
    add("other", false);
    add("child", true);
    add("grandchild", true);
    expect(begun).toEqual(["parent", "child", "grandchild"]);
    expect(schedule.waiting).toBe(1);
    gates.get("child")?.resolve();
    gates.get("grandchild")?.resolve();
    await Bun.sleep(0);
    expect(begun).toHaveLength(3); // the end of a sub-task gives nobody a place
    gates.get("parent")?.resolve();
    await Bun.sleep(0);
    expect(begun).toEqual(["parent", "child", "grandchild", "other"]);
    gates.get("other")?.resolve();
    await schedule.stop();
  });
});
