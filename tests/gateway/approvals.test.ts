import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../src/platforms/contract.ts";
import { calls, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { openToyGateway, type ToyChat, type ToyGateway, toyChat } from "../support/chat.ts";
import { probeTool } from "../support/tools.ts";

/** Calls the probe once, then says what it answered. */
const callsProbe: Script = (request, signal) => {
  const result = request.messages.findLast((message) => message.role === "tool");
  if (result?.role === "tool") return says(`It said: ${result.text}`)(request, signal);
  return calls({ id: "c", name: "terminal_probe", arguments: { word: "rm -rf" } })(request, signal);
};

/** A gateway whose agent asks before it does anything, and the words of the calls that ran. */
async function open(chat = toyChat({ allowed_users: [1, 2], allowed_groups: ["-5"] }, { maxChars: 4_000 })) {
  const ran: string[] = [];
  const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
  const gateway = await openToyGateway({ models: scriptedModels([callsProbe]), chat, tools });
  const question = () => chat.messages().find((one) => one.buttons.length === 2);
  return { gateway, chat, ran, question };
}

describe("what the agent asks for", () => {
  for (const [name, isApproved] of [
    ["y", true],
    ["n", false],
  ] as const)
    test(`is decided by the button ${name}, which goes away`, async () => {
      const { gateway, chat, ran, question } = await open();
      await using _ = gateway;
      await gateway.write("go");
      await chat.until(() => question() !== undefined);
      expect(question()?.text).toContain("rm -rf");
      const asked = question();
      const button = asked?.buttons.find((value) => value.startsWith(name)) ?? "";
      await gateway.write("", { button });
      await chat.until(() => chat.messages().some((one) => one.text.startsWith("It said:")));
      await chat.until(() => asked?.buttons.length === 0);
      expect(asked?.text).toContain(isApproved ? "✅" : "❌");
      expect(ran).toEqual(isApproved ? ["rm -rf"] : []);
      await gateway.write("", { button });
      await chat.until(() => chat.messages().some((one) => one.text.includes("decided already")));
      expect(ran).toHaveLength(isApproved ? 1 : 0);
    });

  test("is decided by /approve and /deny with a reason", async () => {
    const { gateway, chat, ran, question } = await open();
    await using _ = gateway;
    await gateway.write("/approve");
    await chat.until(() => chat.messages().some((one) => one.text === "Nothing waits for your approval."));
    await gateway.write("go");
    await chat.until(() => question() !== undefined);
    await gateway.write("/deny not today");
    await chat.until(() => chat.messages().some((one) => one.text.includes("not today")));
    expect(ran).toEqual([]);
  });

  describe("where the question cannot be changed", () => {
    const fixed = () => toyChat({ allowed_users: [1] }, { abilities: ["typing"], maxChars: 4_000 });
    const decisions = (chat: ToyChat) => chat.messages().filter(({ text }) => text === "✅ approved").length;
    const answered = (chat: ToyChat) => chat.messages().some((one) => one.text.startsWith("It said:"));

    test("a press is answered", async () => {
      const { gateway, chat, question } = await open(fixed());
      await using _ = gateway;
      await gateway.write("go");
      await chat.until(() => question() !== undefined);
      const [button = ""] = question()?.buttons ?? [];
      await gateway.write("", { button, buttonStays: true, id: "p" });
      await gateway.write("", { button, buttonStays: true, id: "p" });
      await chat.until(() => answered(chat) && decisions(chat) > 0);
      expect(decisions(chat)).toBe(1);
      expect(question()?.buttons).toHaveLength(2);
    });

    test("a command is answered once", async () => {
      const { gateway, chat, question } = await open(fixed());
      await using _ = gateway;
      await gateway.write("go");
      await chat.until(() => question() !== undefined);
      await gateway.write("/approve");
      await chat.until(() => answered(chat));
      await gateway.write("/whoami");
      await chat.until(() => chat.messages().at(-1)?.text.includes("telegram") === true);
      expect(decisions(chat)).toBe(1);
    });

    for (const [what, chat] of [
      ["by its kind", fixed()],
      ["as the platform says", toyChat({ allowed_users: [1] }, { maxChars: 4_000 })],
    ] as const)
      test(`${what}, what others decide is said there, once`, async () => {
        const { gateway, question } = await open(chat);
        await using _ = gateway;
        await gateway.write("go");
        await chat.until(() => question() !== undefined);
        for (let n = 0; n < 5; n++)
          chat.failures.push({ name: "edit", error: new PlatformError("refused", "it is too old") });
        const [run] = (await gateway.store.runs.list({ limit: 1 })).items;
        const [approval] = await gateway.agent.agent.approvals(run?.id ?? "");
        await gateway.agent.agent.decide(run?.id ?? "", approval?.id ?? "", { approved: true, by: "owner" });
        await chat.until(() => decisions(chat) > 0);
        expect(decisions(chat)).toBe(1);
        expect(chat.calls.findLast(({ name }) => name === "send")?.message?.idempotencyId).toMatch(/^apd_/);
      });
  });

  test("is nobody else's to decide, also in the same group", async () => {
    const { gateway, chat, ran, question } = await open();
    await using _ = gateway;
    const group = { scope: "group" as const, address: { chat: "-5" } };
    const bob = { sender: { id: "2", name: "Bob" } };
    await gateway.write("go", group);
    await chat.until(() => question() !== undefined);
    const button = question()?.buttons[0] ?? "";
    await gateway.write("", { ...group, ...bob, button });
    await gateway.write("/approve", { ...group, ...bob });
    await chat.until(() => chat.messages().some((one) => one.text === "Nothing waits for your approval."));
    expect(chat.messages().some((one) => one.text.includes("not yours"))).toBe(true);
    await gateway.write("", { ...group, button: "y:apr_made0up" });
    await gateway.write("", { ...group, button: "something else" });
    expect(ran).toEqual([]);
    await gateway.write("", { ...group, button });
    await chat.until(() => chat.messages().some((one) => one.text.startsWith("It said: done")));
    expect(ran).toEqual(["rm -rf"]);
  });
});

describe("a question that is over keeps no buttons:", () => {
  const first = async ({ store, agent }: ToyGateway) => {
    const [run] = (await store.runs.list({ limit: 1 })).items;
    const [approval] = await agent.agent.approvals(run?.id ?? "");
    return [run?.id ?? "", approval?.id ?? ""] as const;
  };
  const decide = async (gateway: ToyGateway, approved: boolean) =>
    gateway.agent.agent.decide(...(await first(gateway)), { approved, by: "owner" });
  const asked = (chat: ToyChat) => chat.messages().find(({ text }) => text.includes("rm -rf"));

  for (const approved of [true, false])
    test(`it is decided (${approved}) before it can be shown`, async () => {
      const { gateway, chat } = await open();
      await using _ = gateway;
      const error = new PlatformError("rate_limited", "too fast", { retryAfterMs: 200 });
      chat.failures.push({ name: "send", error });
      await gateway.write("go");
      await chat.until(() => chat.calls.some(({ name }) => name === "send"));
      await decide(gateway, approved);
      await chat.until(() => chat.messages().some((one) => one.text.startsWith("It said:")));
      expect(asked(chat)).toMatchObject({ buttons: [], edits: 0 });
      expect(asked(chat)?.text).toContain(approved ? "✅" : "❌");
    });

  test("it is decided while it is on the way", async () => {
    const { gateway, chat } = await open();
    await using _ = gateway;
    const { send } = chat.connection.adapter;
    const arrives = Promise.withResolvers<void>();
    const leaves = Promise.withResolvers<void>();
    chat.connection.adapter.send = async (message, signal) => {
      if (message.buttons === undefined) return send(message, signal);
      leaves.resolve();
      await arrives.promise;
      return send(message, signal);
    };
    await gateway.write("go");
    await leaves.promise;
    await decide(gateway, true);
    const [runId] = await first(gateway);
    await gateway.agent.finished(runId);
    arrives.resolve();
    await chat.until(() => asked(chat)?.text.includes("✅") === true);
    expect(asked(chat)?.buttons).toEqual([]);
  });

  test("the run is stopped", async () => {
    const { gateway, chat, question } = await open();
    await using _ = gateway;
    await gateway.write("go");
    await chat.until(() => question() !== undefined);
    const [button = ""] = question()?.buttons ?? [];
    await gateway.write("/stop");
    await chat.until(() => asked(chat)?.text.includes("no longer asked") === true);
    expect(asked(chat)?.buttons).toEqual([]);
    await gateway.write("", { button });
    await chat.until(() => chat.messages().some((one) => one.text.includes("decided already")));
  });

  test("nobody decides in time", async () => {
    const chat = toyChat({ allowed_users: [1] }, { maxChars: 4_000 });
    const tools = [probeTool([], { name: "terminal_probe", group: "terminal", asks: true })];
    const config = { agent: { approval_timeout_ms: 300 } };
    const models = scriptedModels([callsProbe]);
    await using _ = await openToyGateway({ models, chat, tools, config });
    await _.write("go");
    await chat.until(() => asked(chat)?.text.includes("❌") === true);
    expect(asked(chat)?.buttons).toEqual([]);
  });
});
