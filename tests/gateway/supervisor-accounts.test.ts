import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AccountHealth } from "../../src/gateway/contract.ts";
import { openTempStore } from "../support/store.ts";
import { startToys, superviseToys, type Toys, toy, until } from "../support/supervision.ts";

setDefaultTimeout(60_000);

const states = (toys: Toys) =>
  Object.fromEntries(toys.supervisor.health().map(({ account, state }) => [account, state]));

async function connected(toys: Toys, ...labels: string[]): Promise<void> {
  await until(() => labels.every((label) => states(toys)[label] === "connected"));
}

describe("the accounts of the configuration", () => {
  test("are connected, each in its own worker, but for those that cannot be", async () => {
    const bot = { bot_token: "one and the same" };
    const platforms = {
      telegram: { enabled: true, accounts: ["a", "b", "c"].map((name) => ({ name, ...toy("", bot) })) },
      discord: { enabled: true },
      slack: toy("", { enabled: false }),
      feishu: { enabled: true, app_id: "1", app_secret: "2" },
    };
    platforms.telegram.accounts[2] = { name: "c", ...toy() };
    await using toys = await startToys({ platforms });
    await connected(toys, "telegram.a", "telegram.c");
    expect(states(toys)).toEqual({
      "telegram.a": "connected",
      "telegram.b": "refused",
      "telegram.c": "connected",
      discord: "refused",
      feishu: "refused",
    });
    expect(toys.health("telegram.b").error?.message).toBe(
      "telegram.b is the same bot as telegram.a, which is connected already.",
    );
    expect(toys.health("discord").error?.message).toBe("discord lacks bot_token: it cannot connect.");
    expect(toys.supervisor.connections().map(({ account }) => account.name)).toEqual(["a", "c"]);
    expect([
      toys.supervisor.find("telegram", "c")?.account.name,
      toys.supervisor.find("telegram", "b"),
    ]).toEqual(["c", null]);
    const about = (label: string) => toys.lines.filter((line) => line.includes(`account=${label} `));
    expect(about("feishu")).toEqual([expect.stringContaining("This version does not connect feishu yet.")]);
    expect(about("feishu")[0]).toContain(" warn ");
    expect(about("telegram.b")[0]).toContain(" error ");
  });

  test("tell how they are on disk, for other processes, until the end", async () => {
    await using temporary = await openTempStore();
    const toys = await startToys({ store: temporary.store });
    const onDisk = async () =>
      (await temporary.store.accounts.get("telegram", ""))?.health as AccountHealth | undefined;
    await until(async () => (await onDisk())?.state === "connected");
    expect(await onDisk()).toMatchObject({ account: "telegram", bot: { name: "@toy_bot" } });
    await toys.supervisor.stop();
    expect((await onDisk())?.state).toBe("stopped");
    expect(toys.lines.map((line) => line.trim().split(/\s+/).slice(1).join(" "))).toEqual([
      "info connected as @toy_bot account=telegram",
      "info disconnected account=telegram",
    ]);
  });
});

describe("a change of the configuration", () => {
  test("begins, ends and renews the accounts that it is about, and leaves the others alone", async () => {
    await using toys = await startToys({ platforms: { telegram: toy(), discord: toy() } });
    await connected(toys, "telegram", "discord");
    const before = { telegram: toys.connection("telegram"), discord: toys.connection("discord") };

    toys.config.change(({ platforms }) => {
      if (platforms.discord) platforms.discord.model = "other/model";
      Object.assign(platforms, { slack: toy("webhook", { signing_secret: "s" }) });
    });
    await until(() => toys.ready.filter((label) => label === "discord").length === 2);
    await connected(toys, "telegram", "discord", "slack");
    expect(toys.connection("telegram")).toBe(before.telegram);
    expect(toys.connection("discord").account.settings.model).toBe("other/model");
    const gone = before.discord.adapter.typing({ chat: "7" }, new AbortController().signal);
    expect(await gone.catch(({ kind }: { kind: string }) => kind)).toBe("unavailable");

    toys.config.change(({ platforms }) => {
      delete platforms.telegram;
      if (platforms.slack) platforms.slack.enabled = false;
    });
    await until(() => toys.supervisor.health().length === 1);
    expect(states(toys)).toEqual({ discord: "connected" });
    expect(toys.ready.filter((label) => label === "telegram")).toHaveLength(1);
  });

  test("lets the second of two for one bot take over from the first", async () => {
    const same = { bot_token: "one and the same" };
    const accounts = ["a", "b"].map((name) => ({ name, ...toy("", same) }));
    await using toys = await startToys({ platforms: { telegram: { enabled: true, accounts } } });
    await connected(toys, "telegram.a");
    toys.config.change(({ platforms }) => void platforms.telegram?.accounts?.shift());
    await connected(toys, "telegram.b");
    expect(states(toys)).toEqual({ "telegram.b": "connected" });
  });

  test("is what a refused account is tried again for", async () => {
    await using toys = await startToys({
      platforms: { telegram: toy("unauthorized") },
      timings: { refusedPauseMs: 3_600_000 },
    });
    await until(() => states(toys)["telegram"] === "refused");
    toys.config.change(({ platforms }) => void Object.assign(platforms.telegram ?? {}, { prompt: "" }));
    await connected(toys, "telegram");
  });
});

describe("accounts that are asked for by name", () => {
  const platforms = () => ({
    telegram: { enabled: true, accounts: ["work", "home"].map((name) => ({ name, ...toy() })) },
    discord: toy(),
    feishu: { enabled: true, app_id: "1", app_secret: "2" },
    slack: { enabled: true },
  });

  test("are the only ones, by platform or by account", async () => {
    await using toys = await startToys({ platforms: platforms(), only: ["telegram.home", "discord"] });
    await connected(toys, "telegram.home", "discord");
    expect(Object.keys(states(toys))).toEqual(["telegram.home", "discord"]);
  });

  for (const [name, code, message] of [
    ["feishu", "config_invalid", "This version does not connect feishu yet."],
    ["slack", "config_invalid", "slack lacks bot_token and app_token: it cannot connect."],
  ] as const)
    test(`reject the start with ${code} for ${name}`, async () => {
      await using toys = await superviseToys({ platforms: platforms(), only: ["discord", name] });
      await expect(toys.supervisor.start()).rejects.toMatchObject({ code, message });
      expect(toys.ready).toEqual([]);
    });
});

describe("an account that lacks the key to receive", () => {
  const platforms = () => ({ slack: toy() });

  test("is refused, and told both ways to mend it", async () => {
    await using toys = await startToys({ platforms: platforms() });
    await until(() => states(toys)["slack"] === "refused");
    expect(toys.health("slack").error).toEqual({
      message: "slack lacks app_token: it cannot receive.",
      hint: "Set app_token in platforms.slack, or signing_secret to be called at the webhook.",
    });
  });

  test("is connected where it shall only send", async () => {
    await using toys = await startToys({ platforms: platforms(), only: ["slack"], receives: false });
    await until(() => toys.ready.length === 1);
    expect(await toys.tell("hello", "slack")).toEqual({ messageId: "hello" });
  });
});

describe("a bot that another process has", () => {
  test("is waited for, and taken as soon as it is free; its health is left to the other", async () => {
    await using temporary = await openTempStore();
    const platforms = { telegram: toy() };
    const first = await startToys({ store: temporary.store, platforms, holder: "hermes serve, pid 1" });
    await connected(first, "telegram");
    const otherStore = await temporary.another();
    await using second = await startToys({ store: otherStore, platforms, holder: "hermes serve, pid 2" });
    await until(() => states(second)["telegram"] === "waiting");
    expect(second.health().error?.message).toBe(
      "telegram is connected by another Hermes already: hermes serve, pid 1.",
    );
    expect(second.lines.filter((line) => line.includes("by another Hermes"))).toHaveLength(1);
    expect((await otherStore.accounts.get("telegram", ""))?.health).toMatchObject({ state: "connected" });
    expect(second.ready).toEqual([]);
    await first.supervisor.stop();
    await connected(second, "telegram");
  });

  test("rejects the start when it was asked for by name, and nothing stays held", async () => {
    await using temporary = await openTempStore();
    const platforms = { telegram: toy(), discord: toy() };
    const first = await startToys({ store: temporary.store, platforms, only: ["telegram"], holder: "pid 1" });
    const second = await superviseToys({
      store: await temporary.another(),
      platforms,
      only: ["discord", "telegram"],
    });
    await expect(second.supervisor.start()).rejects.toMatchObject({
      code: "conflict",
      message: "telegram is connected by another Hermes already: pid 1.",
    });
    await using third = await startToys({ store: temporary.store, platforms, only: ["discord"] });
    await connected(third, "discord");
    await Promise.all([first.supervisor.stop(), second.supervisor.stop()]);
  });
});

describe("a process that wants every account, and one at least", () => {
  const all = { only: [] };

  test("connects what is added later, too", async () => {
    await using toys = await startToys({ platforms: { telegram: toy() }, ...all });
    await connected(toys, "telegram");
    toys.config.change(({ platforms }) => void Object.assign(platforms, { discord: toy() }));
    await connected(toys, "telegram", "discord");
  });

  test("goes on without those that another has, and takes them over once they are free", async () => {
    await using temporary = await openTempStore();
    const platforms = { telegram: toy(), discord: toy() };
    const first = await startToys({ store: temporary.store, platforms, only: ["telegram"] });
    await connected(first, "telegram");
    await using second = await startToys({ store: await temporary.another(), platforms, ...all });
    await connected(second, "discord");
    expect(states(second)["telegram"]).toBe("waiting");
    await first.supervisor.stop();
    await connected(second, "telegram", "discord");
  });

  test("does not start while another has all, and says who", async () => {
    await using temporary = await openTempStore();
    const platforms = { telegram: toy(), discord: toy(), slack: { enabled: true } };
    await using first = await startToys({ store: temporary.store, platforms, holder: "pid 1" });
    await connected(first, "telegram", "discord");
    const second = await superviseToys({ store: await temporary.another(), platforms, ...all });
    await expect(second.supervisor.start()).rejects.toMatchObject({
      code: "conflict",
      message: "telegram is connected by another Hermes already: pid 1.",
    });
    await second.supervisor.stop();
  });

  test("does not start when none could ever be connected", async () => {
    await using toys = await superviseToys({ platforms: { slack: { enabled: true } }, ...all });
    await expect(toys.supervisor.start()).rejects.toMatchObject({ code: "config_invalid" });
  });
});

describe("stop", () => {
  test("ends every worker, one that hangs too", async () => {
    await using temporary = await openTempStore();
    const toys = await startToys({
      store: temporary.store,
      platforms: { telegram: toy(), discord: toy() },
      timings: { endMs: 100 },
    });
    await connected(toys, "telegram", "discord");
    const calls = [toys.tell("hang"), toys.tell("slow", "discord")].map((call) =>
      call.catch(({ kind }: { kind: string }) => kind),
    );
    await toys.supervisor.stop();
    expect(await Promise.all(calls)).toEqual(["unavailable", "unavailable"]);
    expect(states(toys)).toEqual({ telegram: "stopped", discord: "stopped" });
  });

  test("works before and without a start, and twice", async () => {
    await using toys = await superviseToys();
    await toys.supervisor.stop();
    await toys.supervisor.stop();
    expect(toys.supervisor.health()).toEqual([]);
  });
});
