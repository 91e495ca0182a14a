import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../src/platforms/contract.ts";
import { liveConfig } from "../support/agent.ts";
import { messageOf, startToys, toy, until } from "../support/supervision.ts";

setDefaultTimeout(60_000);

const never = new AbortController().signal;

/** The error that a promise rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<PlatformError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PlatformError)) throw new Error(`no PlatformError: ${error}`);
  return error;
}

describe("a call of an adapter", () => {
  test("crosses over to the worker, and its answer back", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    expect(await toys.tell("hello")).toEqual({ messageId: "hello" });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => toys.tell(`number ${i}`)));
    expect(answers.map(({ messageId }) => messageId)).toEqual(answers.map((_, i) => `number ${i}`));
  });

  test("is answered as before by a worker that has given its memory back", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    const slow = toys.tell("hello");
    toys.supervisor.shrink();
    expect([await slow, await toys.tell("still there?")]).toEqual([
      { messageId: "hello" },
      { messageId: "still there?" },
    ]);
  });

  test("rejects as unavailable while there is no worker", async () => {
    await using toys = await startToys({ timings: { retryBaseMs: 3_600_000, retryMaxMs: 3_600_000 } });
    await until(() => toys.ready.length === 1);
    expect((await errorOf(toys.tell("exit"))).kind).toBe("unavailable");
    const error = await errorOf(toys.tell("is anybody there?"));
    expect(error.kind).toBe("unavailable");
    expect(toys.health()).toMatchObject({
      state: "waiting",
      error: { message: "Its worker ended by itself." },
    });
  });

  test("is made by an adapter that knows where its webhook answers", async () => {
    const accounts = [{ name: "work", ...toy() }];
    const config = liveConfig({
      gateway: { webhook: { path: "/in" } },
      platforms: { telegram: { enabled: true, accounts }, discord: toy() },
    });
    await using toys = await startToys({ config });
    await until(() => toys.ready.length === 2);
    const paths = await Promise.all(
      ["telegram.work", "discord"].map(async (label) => (await toys.tell("webhook path", label)).messageId),
    );
    expect(paths).toEqual(["/in/telegram/work", "/in/discord"]);
  });

  test("rejects with the error of the adapter, whole", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    for (const kind of ["rate_limited", "unavailable", "refused", "moved", "unauthorized", "conflict"]) {
      const error = await errorOf(toys.tell(kind));
      expect({ ...error, message: error.message }).toEqual({
        ...new PlatformError(kind as PlatformError["kind"], "", {
          hint: "Play another game.",
          retryAfterMs: 1,
          movedTo: "8",
        }),
        message: `The toy says: ${kind}.`,
      });
    }
  });

  test("that fails in a way of its own tells nothing of what was thrown, but to the log", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    const error = await errorOf(toys.tell("bug"));
    expect(error.kind).toBe("unavailable");
    expect(error.message).toBe("Something went wrong with Toy (TypeError).");
    await until(() => toys.lines.some((line) => line.includes("token 123:secret")));
  });

  test("is given up in the worker when its signal aborts", async () => {
    await using toys = await startToys();
    await until(() => toys.ready.length === 1);
    const given = new AbortController();
    const slow = errorOf(toys.tell("slow", "telegram", given.signal));
    await toys.tell("another one passes it");
    given.abort();
    expect((await slow).message).toBe("The toy was told to stop.");
    expect((await errorOf(toys.tell("slow", "telegram", AbortSignal.abort()))).kind).toBe("unavailable");
  });

  test("that takes too long is given up", async () => {
    await using toys = await startToys({ timings: { callMs: 50 } });
    await until(() => toys.ready.length === 1);
    expect((await errorOf(toys.tell("slow"))).message).toBe("The call took longer than 0.05 s.");
  });

  test("of an ability that the adapter has not is refused, and can() says so", async () => {
    await using toys = await startToys();
    const { adapter, can } = toys.connection();
    expect(can("edit")).toBe(false);
    await until(() => toys.ready.length === 1);
    expect([can("edit"), can("fetchFile"), can("typing")]).toEqual([true, true, false]);
    expect((await errorOf(adapter.typing({ chat: "7" }, never))).kind).toBe("refused");
  });

  test("hands bytes over in both directions", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("webhook") } });
    await until(() => toys.ready.length === 1);
    const { adapter } = toys.connection();
    const file = await adapter.fetchFile({ kind: "image", ref: "photo" }, 2_000_000, never);
    expect([file.bytes.length, file.bytes[999_999], file.name]).toEqual([1_000_000, 7, "photo"]);

    const body = new TextEncoder().encode("posted");
    const request = { method: "POST" as const, headers: {}, query: {}, body, receivedAtMs: 0 };
    expect(await adapter.webhook(request)).toEqual({ status: 200, body: "6 bytes" });
    expect([body.length, toys.texts]).toEqual([0, ["posted"]]);

    const bytes = new Uint8Array(10);
    await adapter.send(
      { ...messageOf("a file"), files: [{ name: "a", mediaType: "text/plain", bytes }] },
      never,
    );
    expect(bytes.length).toBe(0);
  });
});

describe("the calls of a worker that ends", () => {
  for (const end of ["crash", "reject", "exit"])
    test(`reject at once after "${end}", and the next worker takes the next ones`, async () => {
      await using toys = await startToys();
      await until(() => toys.ready.length === 1);
      const waiting = [toys.tell("slow"), toys.tell("slow"), toys.tell(end)].map(errorOf);
      const kinds = (await Promise.all(waiting)).map(({ kind }) => kind);
      expect(kinds).toEqual(["unavailable", "unavailable", "unavailable"]);
      await until(() => toys.ready.length === 2);
      expect(await toys.tell("again")).toEqual({ messageId: "again" });
      expect(toys.lines.filter((line) => line.includes("Its worker"))).toHaveLength(1);
      await until(() => toys.health().state === "connected");
      expect(toys.health()).toMatchObject({ reconnects: 1, error: null });
    });
});
