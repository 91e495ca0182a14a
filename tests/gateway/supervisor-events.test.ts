import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { MAX_IN_FLIGHT } from "../../src/gateway/worker/emit-queue.ts";
import { AppError } from "../../src/lib/errors.ts";
import { startToys, until } from "../support/supervision.ts";

setDefaultTimeout(60_000);

describe("an event", () => {
  test("is taken once it is received; the state that came with it is on disk by then", async () => {
    const gate = Promise.withResolvers<void>();
    await using toys = await startToys({ received: () => gate.promise });
    await until(() => toys.ready.length === 1);
    let isTaken = false;
    const emitted = toys.tell("emit:3").then(({ messageId }) => {
      isTaken = true;
      return messageId;
    });
    await until(() => toys.texts.length === 3);
    await toys.tell("a call there and back");
    expect(isTaken).toBe(false);
    expect((await toys.store.accounts.get("telegram", ""))?.state ?? null).toBeNull();
    gate.resolve();
    expect(await emitted).toBe("3 taken");
    expect((await toys.store.accounts.get("telegram", ""))?.state).toEqual({ emitted: 3 });
    expect(toys.health().lastEventMs).toBeGreaterThan(0);
  });

  test("that could not be taken rejects, and no state goes past it until it has come again", async () => {
    let isFull = true;
    await using toys = await startToys({
      received: async ({ id }) => {
        if (isFull && id === "event 1") throw new AppError("store_unavailable", "The disk is full.");
      },
    });
    await until(() => toys.ready.length === 1);
    expect(await toys.tell("emit:2")).toEqual({ messageId: "1 taken" });
    expect(await toys.tell("emit:1")).toEqual({ messageId: "1 taken" });
    expect((await toys.store.accounts.get("telegram", ""))?.state ?? null).toBeNull();
    isFull = false;
    expect(await toys.tell("emit:2")).toEqual({ messageId: "2 taken" });
    expect((await toys.store.accounts.get("telegram", ""))?.state).toEqual({ emitted: 2 });
  });

  test("is one of few on their way at once, however many an adapter emits", async () => {
    let open = 0;
    let most = 0;
    await using toys = await startToys({
      received: async () => {
        open += 1;
        most = Math.max(most, open);
        await new Promise(setImmediate);
        open -= 1;
      },
    });
    await until(() => toys.ready.length === 1);
    expect(await toys.tell("emit:5000")).toEqual({ messageId: "5000 taken" });
    expect(toys.texts).toEqual(Array.from({ length: 5000 }, (_, i) => `event ${i}`));
    expect(most).toBeLessThanOrEqual(MAX_IN_FLIGHT);
    expect((await toys.store.accounts.get("telegram", ""))?.state).toEqual({ emitted: 5000 });
  });

  test("is refused when far too many wait already", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    const { messageId } = await toys.tell("emit:20000");
    expect(Number.parseInt(messageId, 10)).toBeGreaterThanOrEqual(10_000);
    expect(Number.parseInt(messageId, 10)).toBeLessThan(20_000);
    expect(await toys.tell("still there")).toEqual({ messageId: "still there" });
  });
});

describe("what an adapter saved", () => {
  test("is there for its next worker", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    await toys.tell("emit:4");
    await toys.tell("crash").catch(() => undefined);
    await until(() => toys.ready.length === 2 && toys.health().state === "connected");
    expect(await toys.tell("state")).toEqual({ messageId: '{"emitted":4}' });
  });
});

describe("what an adapter tells of itself", () => {
  test("comes in few messages, the last of which is the truth", async () => {
    await using toys = await startToys();
    await until(() => toys.health().state === "connected");
    await toys.tell("flap:10000");
    await until(() => toys.health().reconnects === 10_000 && toys.health().state === "connected");
    expect(toys.lines.filter((line) => line.includes("no messages come")).length).toBeLessThan(3);
  });

  test("says what could be done about a connection that is of no use", async () => {
    await using toys = await startToys();
    await until(() => toys.health().state === "connected");
    await toys.tell("adrift");
    await until(() => toys.health().state === "reconnecting");
    expect(toys.health().error).toEqual({ message: "the calm", hint: "Wait for the wind." });
    await toys.tell("flap:1");
    await until(() => toys.health().state === "connected");
    expect(toys.health().error).toBeNull();
  });

  test("fills no log", async () => {
    await using toys = await startToys();
    await until(() => toys.health().state === "connected");
    await toys.tell("chatter:10000");
    const lines = () => toys.lines.filter((line) => line.includes("line "));
    await until(() => lines().length > 0);
    await toys.tell("a call there and back");
    expect(lines().length).toBeLessThanOrEqual(50);
    expect(lines()[0]).toMatch(/line 0 account=telegram error="Error: boom" i=0/);
  });
});

describe("stopReceiving", () => {
  test("resolves once what was received is taken; calls still work", async () => {
    const gate = Promise.withResolvers<void>();
    await using toys = await startToys({ received: () => gate.promise });
    await until(() => toys.health().state === "connected");
    const emitted = toys.tell("emit:3");
    await until(() => toys.texts.length === 3);
    let hasStopped = false;
    const stopping = toys.supervisor.stopReceiving().then(() => {
      hasStopped = true;
    });
    expect(await toys.tell("meanwhile")).toEqual({ messageId: "meanwhile" });
    expect(hasStopped).toBe(false);
    gate.resolve();
    await stopping;
    expect(await emitted).toEqual({ messageId: "3 taken" });
    expect(await toys.tell("afterwards")).toEqual({ messageId: "afterwards" });
  });
});
