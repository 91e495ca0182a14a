import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../src/platforms/contract.ts";
import { end, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openToyGateway, TOY_LIMITS, toyChat } from "../support/chat.ts";
import { openTempStore } from "../support/store.ts";

/** Says a beginning, and the rest once it is let go on. */
function halting(beginning: string, rest = ""): { script: Script; goOn: () => void } {
  const gate = Promise.withResolvers<void>();
  return {
    async *script(_request, signal) {
      yield { type: "text", text: beginning };
      const stopped = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => stopped.reject(signal.reason), { once: true });
      stopped.promise.catch(() => undefined);
      await Promise.race([gate.promise, stopped.promise]);
      yield { type: "text", text: rest };
      yield end();
    },
    goOn: gate.resolve,
  };
}

describe("a message", () => {
  test("is answered in its chat, once, and noted as sent", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("Hello ", "Ann")]) });
    await gateway.write("hi");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    expect(gateway.chat.messages("1")[0]).toMatchObject({ text: "Hello Ann", isPartial: false });
    await gateway.chat.until(() => true);
    const { items } = await gateway.store.deliveries.list({ limit: 10 });
    expect(items).toHaveLength(1);
  });

  test("delivered ten times makes one run and one answer", async () => {
    const models = scriptedModels([says("once")]);
    await using gateway = await openToyGateway({ models });
    await Promise.all(Array.from({ length: 10 }, () => gateway.write("hi", { id: "same" })));
    await gateway.chat.until(() => gateway.chat.messages("1").length > 0);
    await gateway.write("hi", { id: "same" });
    await gateway.write("another", { id: "other" });
    await gateway.chat.until(() => gateway.chat.messages("1").length === 2);
    expect(models.requests).toHaveLength(2);
  });

  test("of a stranger gets a code and nothing else; the code lets in", async () => {
    const models = scriptedModels([says("welcome")]);
    await using gateway = await openToyGateway({ models, chat: toyChat({ allowed_users: [] }) });
    const stranger = { sender: { id: "7", name: "Bob" }, address: { chat: "7" } };
    await gateway.write("let me in", stranger);
    await gateway.write("please", stranger);
    await gateway.chat.until(() => gateway.chat.messages("7").length === 1);
    const [told] = gateway.chat.messages("7");
    const code = /pairing approve telegram ([A-Z2-9]{8})/.exec(told?.text ?? "")?.[1] ?? "";
    expect(code).toHaveLength(8);
    expect(models.requests).toHaveLength(0);
    await gateway.store.pairings.approve("telegram", code, "cli");
    await gateway.write("and now?", stranger);
    await gateway.chat.until(() => gateway.chat.messages("7").length === 2);
    expect(gateway.chat.messages("7")[1]?.text).toBe("welcome");
  });

  test("that fails is answered with what went wrong", async () => {
    const failing: Script = async function* () {
      yield { type: "text", text: "half" };
      throw new Error("the model fell over");
    };
    await using gateway = await openToyGateway({ models: scriptedModels([failing]) });
    await gateway.write("hi");
    await gateway.chat.until(() => gateway.chat.messages("1").some((one) => !one.isPartial));
    expect(gateway.chat.messages("1")[0]?.text).toContain("⚠️");
    expect(gateway.chat.messages("1")[0]?.text).not.toContain("fell over");
  });

  test("in Chinese is told what goes wrong in Chinese", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("")]) });
    await gateway.write("/nonsense 你好");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    expect(gateway.chat.messages("1")[0]?.text).toContain("没有命令");
  });
});

describe("a growing answer", () => {
  test("is shown while it grows, in one message, and whole at its end", async () => {
    const { script, goOn } = halting("The beginning", " and the end.");
    await using gateway = await openToyGateway({ models: scriptedModels([script]) });
    await gateway.write("hi");
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "The beginning");
    expect(gateway.chat.messages("1")[0]?.isPartial).toBe(true);
    goOn();
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.isPartial === false);
    expect(gateway.chat.messages("1").map((one) => one.text)).toEqual(["The beginning and the end."]);
  });

  test("is sent in parts that fit, in order", async () => {
    const long = Array.from({ length: 30 }, (_, i) => `Paragraph ${i}.`).join("\n\n");
    await using gateway = await openToyGateway({
      models: scriptedModels([says(long)]),
      chat: toyChat({}, { maxChars: 60 }),
    });
    await gateway.write("hi");
    await gateway.chat.until(() =>
      gateway.chat.messages("1").some((one) => one.text.includes("Paragraph 29.")),
    );
    const texts = gateway.chat.messages("1").map((one) => one.text);
    expect(texts.every((text) => text.length <= 60)).toBe(true);
    const numbers = [...texts.join("\n\n").matchAll(/\d+/g)].map(([number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test("goes on under the same message after a restart", async () => {
    await using temp = await openTempStore();
    const chat = toyChat();
    const first = halting("The beginning");
    {
      await using gateway = await openToyGateway({
        models: scriptedModels([first.script]),
        chat,
        store: temp.store,
      });
      await gateway.write("hi");
      await chat.until(() => chat.messages("1")[0]?.text === "The beginning");
    }
    const store = await temp.restart();
    await using gateway = await openToyGateway({ models: scriptedModels([says("All of it.")]), chat, store });
    await gateway.agent.agent.recover();
    await chat.until(() => chat.messages("1")[0]?.isPartial === false);
    expect(chat.messages("1").map((one) => one.text)).toEqual(["All of it."]);
  });

  test("shows typing, and does without where that fails", async () => {
    const { script, goOn } = halting("x");
    const chat = toyChat();
    chat.failures.push({ name: "typing", error: new PlatformError("refused", "no") });
    await using gateway = await openToyGateway({ models: scriptedModels([script]), chat });
    await gateway.write("hi");
    await chat.until(() => chat.calls.filter((call) => call.name === "typing").length >= 3);
    goOn();
    await chat.until(() => chat.messages("1")[0]?.isPartial === false);
  });

  test("is sent at its end where edits are refused for being too fast", async () => {
    const { script, goOn } = halting("The beginning", " and the end.");
    const chat = toyChat();
    const tooFast = () => new PlatformError("rate_limited", "slow down", { retryAfterMs: 1 });
    chat.failures.push(...[1, 2, 3].map(() => ({ name: "send", error: tooFast() })));
    await using gateway = await openToyGateway({ models: scriptedModels([script]), chat });
    await gateway.write("hi");
    await chat.until(() => chat.failures.length < 3);
    goOn();
    await chat.until(() => chat.messages("1")[0]?.isPartial === false);
    expect(chat.messages("1").map((one) => one.text)).toEqual(["The beginning and the end."]);
  });
});

describe("sending", () => {
  test("waits as long as the platform says, and the order in a chat holds", async () => {
    const chat = toyChat();
    chat.failures.push({
      name: "send",
      error: new PlatformError("rate_limited", "slow", { retryAfterMs: 30 }),
    });
    chat.failures.push({ name: "send", error: new PlatformError("unavailable", "gone") });
    await using gateway = await openToyGateway({ models: scriptedModels([says("unused")]), chat });
    for (const n of [1, 2, 3, 4])
      await gateway.store.deliveries.add({
        id: `dlv_${n}`,
        kind: "send",
        target: { platform: "telegram", account: "", chat: "1" },
        text: `message ${n}`,
      });
    gateway.deliverer.ready(chat.connection);
    await chat.until(() => chat.messages("1").length === 4);
    expect(chat.messages("1").map((one) => one.text)).toEqual([1, 2, 3, 4].map((n) => `message ${n}`));
  });

  test("gives up what is refused, says why, and can be told to try again", async () => {
    const chat = toyChat();
    chat.failures.push({
      name: "send",
      error: new PlatformError("refused", "The bot was blocked.", { hint: "h" }),
    });
    await using gateway = await openToyGateway({ models: scriptedModels([says("hello")]), chat });
    await gateway.write("hi", { id: "first" });
    const dead = async () => (await gateway.store.deliveries.list({ limit: 5, status: "dead" })).items;
    while ((await dead()).length === 0) await Bun.sleep(5);
    const [letter] = await dead();
    expect(letter?.error).toEqual({ code: "refused", message: "The bot was blocked.", hint: "h" });
    await gateway.store.deliveries.retry(letter?.id ?? "");
    gateway.deliverer.ready(chat.connection);
    await chat.until(() => chat.messages("1").length === 1);
    expect(chat.messages("1")[0]?.text).toBe("hello");
  });

  test("follows a chat to its new id", async () => {
    const chat = toyChat();
    chat.failures.push({ name: "send", error: new PlatformError("moved", "moved", { movedTo: "-200" }) });
    await using gateway = await openToyGateway({ models: scriptedModels([says("hello")]), chat });
    await gateway.write("hi");
    await chat.until(() => chat.messages("-200").length === 1);
  });
});

describe("commands", () => {
  test("/stop passes a busy session and ends its answer", async () => {
    const { script } = halting("The beginning");
    await using gateway = await openToyGateway({ models: scriptedModels([script]) });
    await gateway.write("hi");
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "The beginning");
    await gateway.write("/stop");
    await gateway.chat.until(() => gateway.chat.messages("1").some((one) => one.text === "Stopped."));
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.isPartial === false);
    expect(gateway.chat.messages("1")[0]?.text).toBe("The beginning\n\n⏹ stopped");
    await gateway.write("/stop");
    await gateway.chat.until(() =>
      gateway.chat.messages("1").some((one) => one.text === "Nothing is running."),
    );
  });

  test("/new begins another session, once, however often it comes", async () => {
    const models = scriptedModels([says("one"), says("two"), says("three")]);
    await using gateway = await openToyGateway({ models });
    await gateway.write("first");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    await gateway.write("/new", { id: "n" });
    await gateway.write("/new", { id: "n" });
    await gateway.chat.until(() => gateway.chat.messages("1").length === 2);
    await gateway.write("second");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 3);
    expect(models.requests[1]?.messages.filter((one) => one.role === "user")).toHaveLength(1);
    expect((await gateway.store.sessions.list({ limit: 10 })).items).toHaveLength(2);
  });

  test("/retry answers the last message again, /undo takes it back", async () => {
    const models = scriptedModels([says("one"), says("two")]);
    await using gateway = await openToyGateway({ models });
    await gateway.write("/undo");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    expect(gateway.chat.messages("1")[0]?.text).toBe("There is nothing to take back.");
    await gateway.write("question");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 2);
    await gateway.write("/retry", { id: "r" });
    await gateway.write("/retry", { id: "r" });
    await gateway.chat.until(() => gateway.chat.messages("1").length === 3);
    expect(models.requests).toHaveLength(2);
    expect(models.requests[1]?.messages.filter((one) => one.role !== "system")).toHaveLength(1);
    await gateway.write("/undo", { id: "undo" });
    await gateway.write("/undo", { id: "undo" });
    await gateway.chat.until(() => gateway.chat.messages("1").length === 4);
    expect(gateway.chat.messages("1")[3]?.text).toBe("Taken back: `question`");
    const [session] = (await gateway.store.sessions.list({ limit: 1 })).items;
    expect(session?.messageCount).toBe(0);
  });

  test("/model chooses a model for the chat, and refuses one that there is not", async () => {
    const models = scriptedModels([says("x")]);
    await using gateway = await openToyGateway({ models, chat: toyChat({}, { maxChars: 4_000 }) });
    const said = async (text: string) => {
      const before = gateway.chat.messages("1").length;
      await gateway.write(text);
      await gateway.chat.until(() => gateway.chat.messages("1").length > before);
      return gateway.chat.messages("1").at(-1)?.text ?? "";
    };
    expect(await said("/model")).toContain("scripted/model");
    expect(await said("/model other/thing")).toContain("unknown_model");
    expect(await said("/model scripted/model")).toBe("From now on this chat uses `scripted/model`.");
    expect(await said("/model")).toContain("chosen in this chat");
    expect(await said("/model default")).toContain("configured model again");
    expect(await said("/whoami")).toContain("**Your id** `1`");
    expect(await said("/status")).toContain("Nothing is running.");
    expect(await said("/help")).toContain("/approve");
    expect(await said("/start")).toContain("/approve");
    expect(await said("/stopp")).toContain("Did you mean `/stop`?");
  });

  test("a path is no command", async () => {
    const models = scriptedModels([says("It is a file.")]);
    await using gateway = await openToyGateway({ models });
    await gateway.write("/etc/hosts what is that?");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    expect(models.requests).toHaveLength(1);
  });
});

describe("a busy session", () => {
  test("queues", async () => {
    const { script, goOn } = halting("one");
    const models = scriptedModels([script, says("two")]);
    await using gateway = await openToyGateway({ models });
    await gateway.write("first");
    await gateway.write("second");
    await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
    goOn();
    await gateway.chat.until(() => gateway.chat.messages("1").length === 2);
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.isPartial === false);
    expect(gateway.chat.messages("1").map((one) => one.text)).toEqual(["one", "two"]);
  });

  test("is interrupted where the configuration says so", async () => {
    const { script } = halting("one");
    const models = scriptedModels([script, says("two")]);
    await using gateway = await openToyGateway({ models, config: { gateway: { busy: "interrupt" } } });
    await gateway.write("first");
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "one");
    await gateway.write("second");
    await gateway.chat.until(() => gateway.chat.messages("1").at(-1)?.text === "two");
    expect(gateway.chat.messages("1")[0]?.text).toBe("one\n\n⏹ stopped");
  });

  test("is steered where the configuration says so: one answer to both", async () => {
    const { script, goOn } = halting("one");
    const models = scriptedModels([script, says("both")]);
    await using gateway = await openToyGateway({ models, config: { gateway: { busy: "steer" } } });
    await gateway.write("first");
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "one");
    await gateway.write("second");
    goOn();
    await gateway.chat.until(() => gateway.chat.messages("1").at(-1)?.isPartial === false);
    expect(models.requests[1]?.messages.filter((one) => one.role === "user")).toHaveLength(2);
    const { items } = await gateway.store.deliveries.list({ limit: 10 });
    while ((await gateway.store.deliveries.list({ limit: 10, status: "waiting" })).items.length > 0)
      await Bun.sleep(5);
    expect(items).toHaveLength(2);
    expect(gateway.chat.messages("1").at(-1)?.text).toContain("both");
  });
});

describe("groups", () => {
  test("each person has a session; the answer replies; silence is possible", async () => {
    const chat = toyChat({ allowed_users: [1, 2], allowed_groups: ["-5"] });
    const models = scriptedModels([says("for Ann"), says("for Bob"), says("NO_REPLY"), says("after")]);
    await using gateway = await openToyGateway({ models, chat });
    const inGroup = { scope: "group" as const, address: { chat: "-5" } };
    await gateway.write("hi", { ...inGroup, messageId: "10" });
    await chat.until(() => chat.messages("-5").length === 1);
    await gateway.write("hi", { ...inGroup, sender: { id: "2", name: "Bob" }, messageId: "11" });
    await chat.until(() => chat.messages("-5").length === 2);
    expect(chat.messages("-5").map((one) => one.replyTo)).toEqual(["10", "11"]);
    expect((await gateway.store.sessions.list({ limit: 10 })).items).toHaveLength(2);
    await gateway.write("nothing to say?", inGroup);
    await gateway.write("and now", inGroup);
    await chat.until(() => chat.messages("-5").length === 3);
    expect(chat.messages("-5")[2]?.text).toBe("after");
  });
});

describe("limits", () => {
  test("the platform's pace is kept", async () => {
    const limits = {
      ...TOY_LIMITS,
      pace: { ...TOY_LIMITS.pace, direct: { burst: 1, perSecond: 20 } },
    };
    const chat = toyChat({ streaming: "off" }, { limits, maxChars: 20 });
    await using gateway = await openToyGateway({
      models: scriptedModels([says("a b c\n\n".repeat(20))]),
      chat,
    });
    const began = performance.now();
    await gateway.write("hi");
    await chat.until(
      () =>
        chat
          .messages("1")
          .map((one) => one.text)
          .join("")
          .match(/a/g)?.length === 20,
    );
    const sent = chat.messages("1").length;
    expect(performance.now() - began).toBeGreaterThan((sent - 1) * 49);
  });
});
