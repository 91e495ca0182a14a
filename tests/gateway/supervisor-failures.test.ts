import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { loadToy } from "../fakes/toy/platform.ts";
import { startToys, type Toys, toy, until } from "../support/supervision.ts";

setDefaultTimeout(60_000);

const TWO = () => ({ telegram: toy(), discord: toy() });

async function connected(toys: Toys, ...labels: string[]): Promise<void> {
  await until(() => labels.every((label) => toys.health(label).state === "connected"));
}

/** Calls of another account that go there and back while something is wrong. */
async function roundTrips(toys: Toys, label: string): Promise<void> {
  for (let i = 0; i < 100; i++)
    expect(await toys.tell(`number ${i}`, label)).toEqual({ messageId: `number ${i}` });
}

describe("a worker that crashes", () => {
  test("a thousand times leaves the process as it was, and other accounts at work", async () => {
    const script = join(import.meta.dir, "../fakes/toy/crash-many.ts");
    const child = Bun.spawn([process.execPath, script, "1000"], { stdout: "pipe", stderr: "inherit" });
    const { crashes, answered, rssBytes } = await new Response(child.stdout).json();
    expect([await child.exited, crashes]).toEqual([0, 1000]);
    expect(answered).toBeGreaterThan(100);
    expect(rssBytes[1] - rssBytes[0]).toBeLessThan(30e6);
  }, 180_000);

  test("again and again is tried rarely, until a try goes well", async () => {
    await using toys = await startToys({
      platforms: { telegram: toy("crash:5") },
      timings: { breakerCrashes: 3, breakerPauseMs: 400 },
    });
    await until(() => toys.texts.length === 3);
    const sinceMs = performance.now();
    await until(() => toys.health().error?.hint?.includes("often"));
    expect(toys.health()).toMatchObject({
      state: "waiting",
      error: { message: "Its worker crashed (TypeError)." },
    });
    await until(() => toys.texts.length === 4);
    expect(performance.now() - sinceMs).toBeGreaterThan(350);
    await connected(toys, "telegram");
    expect([toys.texts.length, toys.health().error]).toEqual([5, null]);
    expect(JSON.stringify(toys.supervisor.health())).not.toContain("secret");
  });

  test("disturbs no call of another account", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("crash:1000000"), discord: toy() } });
    await connected(toys, "discord");
    await roundTrips(toys, "discord");
    expect(toys.health("discord").reconnects).toBe(0);
  });
});

describe("a worker that hangs", () => {
  test("is found out, ended and made anew; other accounts go on meanwhile", async () => {
    await using toys = await startToys({ platforms: TWO(), timings: { pingEveryMs: 500, missedPings: 4 } });
    await connected(toys, "telegram", "discord");
    const hanging = toys.tell("hang").catch(({ kind }: { kind: string }) => kind);
    await roundTrips(toys, "discord");
    expect(await hanging).toBe("unavailable");
    await until(() => toys.lines.some((line) => line.includes("Its worker hung and was ended.")));
    await connected(toys, "telegram");
    expect(await toys.tell("again")).toEqual({ messageId: "again" });
    expect(toys.health("discord").reconnects).toBe(0);
  });

  test("in a single step cannot be ended: it says so, and no second one is opened beside it", async () => {
    await using toys = await startToys({ timings: { pingEveryMs: 100, missedPings: 4, goneMs: 50 } });
    await connected(toys, "telegram");
    const before = toys.ready.length;
    expect(await toys.tell("stick").catch(({ kind }: { kind: string }) => kind)).toBe("unavailable");
    await until(() => toys.health("telegram").state === "refused");
    expect(toys.health("telegram").error?.message).toContain("is stuck and cannot be ended");
    expect(toys.ready).toHaveLength(before);
    await connected(toys, "telegram");
    expect(await toys.tell("again")).toEqual({ messageId: "again" });
  });
});

describe("a connection that falls silent", () => {
  test("before it is one is begun anew", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("asleep") }, timings: { callMs: 50 } });
    await until(() => toys.health().error?.message === "Its worker did not get ready.");
  });

  test("is made anew, and counts as lost before that", async () => {
    const loadPlatform: typeof loadToy = async (id) => {
      const platform = await loadToy(id);
      return platform && { ...platform, limits: { ...platform.limits, silenceMs: 2_500 } };
    };
    await using toys = await startToys({
      platforms: { telegram: toy("silent"), discord: toy(), slack: toy("webhook", { signing_secret: "s" }) },
      loadPlatform,
    });
    await connected(toys, "telegram", "discord", "slack");
    await until(() => toys.health("telegram").state !== "connected");
    await until(() => toys.ready.filter((label) => label === "telegram").length === 2);
    expect(toys.lines.filter((line) => line.includes("Nothing was heard of Toy for 3 s"))).toHaveLength(1);
    await connected(toys, "telegram");
    expect([toys.health("discord").reconnects, toys.health("slack").reconnects]).toEqual([0, 0]);
  });
});

describe("an adapter that gives up", () => {
  test("for its token is refused with the platform's words, tried rarely, and told once", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("unauthorized") } });
    await until(() => toys.ready.length === 3);
    expect(toys.health()).toMatchObject({
      state: "refused",
      error: { message: "The toy says: unauthorized.", hint: "Play another game." },
    });
    const told = toys.lines.filter((line) => line.includes("unauthorized"));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/error it cannot be connected account=telegram .*hint="Play another game\."/);
  });

  test("before it is connected is refused all the same", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("unready") } });
    await until(() => toys.health().state === "refused");
    expect(toys.health().error?.message).toBe("The toy does not know this token.");
  });

  for (const [prompt, message] of [
    ["conflict", "The toy says: conflict."],
    ["unavailable", "The toy says: unavailable."],
    ["deaf", "Toy stopped receiving by itself."],
  ])
    test(`because of "${prompt}" waits, can still send meanwhile, and is tried again`, async () => {
      const platforms = { telegram: toy(prompt) };
      const never = { conflictPauseMs: 3_600_000, retryBaseMs: 3_600_000, retryMaxMs: 3_600_000 };
      await using patient = await startToys({ platforms, timings: never });
      await until(() => patient.health().state === "waiting");
      expect(patient.health().error).toMatchObject({ message });
      expect(await patient.tell("meanwhile")).toEqual({ messageId: "meanwhile" });
      await using eager = await startToys({ platforms });
      await until(() => eager.ready.length === 3);
    });
});

describe("an account without a connection of its own", () => {
  test("is connected once it can be called; a call that is turned away says otherwise, one that is not mends it", async () => {
    await using toys = await startToys({ platforms: { telegram: toy("webhook", { secret_token: "s" }) } });
    await connected(toys, "telegram");
    await toys.tell("unauthorized").catch(() => undefined);
    expect(toys.health()).toMatchObject({
      state: "refused",
      error: { message: "The toy says: unauthorized." },
    });
    await toys.tell("hello");
    expect(toys.health()).toMatchObject({ state: "connected", error: null });
  });
});
