import { describe, expect, test } from "bun:test";
import { calls, hangs, type Script, says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, type ToyGateway, toyChat } from "../../support/chat.ts";
import { openTempStore } from "../../support/store.ts";
import { probeTool } from "../../support/tools.ts";

/** Resolves once the chat shows so many finished messages. */
async function shows({ chat }: ToyGateway, count: number): Promise<void> {
  await chat.until(() => chat.messages("1").filter((one) => !one.isPartial).length >= count);
}

const running = async ({ store }: ToyGateway) =>
  (await store.runs.list({ limit: 10, status: "running" })).items.map((run) => run.id);

/** Wants to run one command after another. */
const asksAgain: Script = (request, signal) => {
  const results = request.messages.filter((message) => message.role === "tool").length;
  const word = `command ${results + 1}`;
  return calls({ id: `c${results}`, name: "terminal_probe", arguments: { word } })(request, signal);
};

describe("a command that the platform delivers again does nothing more", () => {
  for (const command of ["/stop", "/new"])
    test(`${command} ends no answer that was begun after it`, async () => {
      const models = scriptedModels([hangs("first"), hangs("second")]);
      await using gateway = await openToyGateway({ models });
      await gateway.write("one");
      await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "first");
      await gateway.write(command, { id: "c" });
      await shows(gateway, 2);
      await gateway.write("two");
      await gateway.chat.until(() => gateway.chat.messages("1").some((one) => one.text === "second"));
      const before = await running(gateway);
      await gateway.write(command, { id: "c" });
      expect(before).toHaveLength(1);
      expect(await running(gateway)).toEqual(before);
      const [run] = (await gateway.store.runs.list({ limit: 1 })).items;
      expect(run?.cancelRequested).toBe(false);
    });

  test("/new does not lead back to the conversation that another /new has ended", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("x")]) });
    await gateway.write("/new", { id: "n1" });
    await gateway.write("one");
    await gateway.write("/new", { id: "n2" });
    await gateway.write("/new", { id: "n1" });
    await gateway.write("two");
    await shows(gateway, 4);
    const { items } = await gateway.store.sessions.list({ limit: 10 });
    expect(items.map((one) => one.messageCount)).toEqual([2, 2]);
  });

  test("/approve allows nothing that was asked after it, also across a restart", async () => {
    const ran: string[] = [];
    const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
    const models = scriptedModels([asksAgain]);
    const chat = toyChat({}, { maxChars: 4_000 });
    await using temp = await openTempStore();
    const asked = (word: string) => chat.messages("1").some((one) => one.text.includes(word));
    {
      await using gateway = await openToyGateway({ models, tools, chat, store: temp.store });
      await gateway.write("go");
      await chat.until(() => asked("command 1"));
      await gateway.write("/approve", { id: "a" });
      await chat.until(() => asked("command 2"));
      await gateway.write("/approve", { id: "a" });
    }
    const store = await temp.restart();
    await using gateway = await openToyGateway({ models, tools, chat, store });
    await gateway.agent.agent.recover();
    await gateway.write("/approve", { id: "a" });
    await gateway.write("/status", { id: "s" });
    await chat.until(() => asked("running"));
    expect(ran).toEqual(["command 1"]);
  });

  test("a wrong code of /pair counts once", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([says("x")]) });
    for (let n = 0; n < 10; n++) await gateway.write("/pair ABCDEFGH", { id: "p" });
    await gateway.write("hi", { sender: { id: "7", name: "Bob" }, address: { chat: "7" } });
    await gateway.chat.until(() => gateway.chat.messages("7").length === 1);
    expect(gateway.chat.messages("7")[0]?.text).toContain("hermes pairing approve");
  });
});

describe("a command in the middle of which the process died", () => {
  /** A store that takes no notice for once, as if the process ended before it could. */
  const failOnce = ({ store }: ToyGateway) => {
    const { add } = store.deliveries;
    store.deliveries.add = (delivery) => {
      if (delivery.kind !== "notice") return add(delivery);
      store.deliveries.add = add;
      return Promise.reject(new Error("killed"));
    };
  };

  test("/approve allows what was asked before it alone", async () => {
    const ran: string[] = [];
    const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
    const chat = toyChat({}, { maxChars: 4_000 });
    await using gateway = await openToyGateway({ models: scriptedModels([asksAgain]), tools, chat });
    await gateway.write("go");
    await chat.until(() => chat.messages("1").some((one) => one.text.includes("command 1")));
    failOnce(gateway);
    await expect(gateway.write("/approve", { id: "a" })).rejects.toThrow("killed");
    await chat.until(() => chat.messages("1").some((one) => one.text.includes("command 2")));
    await gateway.write("/approve", { id: "a" });
    await chat.until(() => chat.messages("1").some((one) => one.text.startsWith("Nothing waits")));
    expect(ran).toEqual(["command 1"]);
  });

  test("/stop ends what ran when it came, and says so the second time", async () => {
    await using gateway = await openToyGateway({ models: scriptedModels([hangs("first"), says("second")]) });
    await gateway.write("one");
    await gateway.chat.until(() => gateway.chat.messages("1")[0]?.text === "first");
    failOnce(gateway);
    await expect(gateway.write("/stop", { id: "s" })).rejects.toThrow("killed");
    await gateway.write("/stop", { id: "s" });
    await gateway.chat.until(() =>
      gateway.chat.messages("1").some((one) => one.text === "Nothing is running."),
    );
    expect(gateway.chat.messages("1")[0]?.text).toContain("⏹");
  });

  test("a button says nothing of itself the second time", async () => {
    const ran: string[] = [];
    const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
    const chat = toyChat({}, { maxChars: 4_000 });
    await using gateway = await openToyGateway({ models: scriptedModels([asksAgain]), tools, chat });
    await gateway.write("go");
    const question = () => chat.messages("1").find((one) => one.buttons.length === 2);
    await chat.until(() => question() !== undefined);
    const button = question()?.buttons[0] ?? "";
    for (let n = 0; n < 3; n++) await gateway.write("", { id: "b", button });
    await gateway.write("/whoami");
    await chat.until(() => chat.messages("1").some((one) => one.text.includes("Your id")));
    expect(chat.messages("1").some((one) => one.text.includes("not yours"))).toBe(false);
    expect(ran).toEqual(["command 1"]);
  });
});
