import { expect, test } from "bun:test";
import type { InboundMessage } from "../../src/platforms/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import { calls, hangs, type Script, says, scriptedModels } from "../fakes/scripted-model.ts";
import { message, openToyGateway, type ToyChat, type ToyGateway, toyChat } from "../support/chat.ts";
import { fullDisk, mortal } from "../support/mortal.ts";
import { openTempStore } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

/** Something that happens on the platform, and what has to be seen before the next thing does. */
interface Step {
  event: InboundMessage;
  until?: (chat: ToyChat) => boolean;
}

interface World {
  chat: ToyChat;
  store: Store;
  /** The words of the tool calls that ran. */
  ran: string[];
}

interface Scenario {
  script(): Script;
  config?: Record<string, unknown>;
  steps: Step[];
  /** What must be so in the end, whenever the process died. */
  check(world: World): Promise<void>;
}

const from = (text: string, change: Partial<InboundMessage> = {}) => message(text, change);
const finished = (chat: ToyChat, id = "1") => chat.messages(id).filter((one) => !one.isPartial);
const texts = (chat: ToyChat, id = "1") => finished(chat, id).map((one) => one.text);
const questions = (chat: ToyChat) => finished(chat).filter((one) => one.text.includes("go on?"));
const shows = (text: string) => (chat: ToyChat) => texts(chat).some((one) => one.includes(text));
const usersIn = async (store: Store) => {
  const { items } = await store.sessions.list({ limit: 10 });
  const said = await Promise.all(
    items.map(async ({ key }) => (await store.sessions.messages(key, { limit: 50 })).items),
  );
  return said.map((all) =>
    all
      .filter((one) => one.role === "user")
      .flatMap(({ parts }) => parts.map((part) => "text" in part && part.text)),
  );
};

/** Answers with what was asked last. */
const echo: Script = (request, signal) => {
  const last = request.messages.findLast((one) => one.role === "user");
  const [text = ""] =
    last?.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).slice(-1) ?? [];
  return says(`You said ${text}.`)(request, signal);
};
/** Wants to run one command, and then says how that went. */
const acts: Script = (request, signal) => {
  const result = request.messages.findLast((one) => one.role === "tool");
  const text = result?.role === "tool" ? result.text : "";
  if (result) return says(`It said: ${text}`)(request, signal);
  return calls({ id: "c", name: "terminal_probe", arguments: { word: "rm" } })(request, signal);
};
const LONG = Array.from({ length: 40 }, (_, n) => `Paragraph ${n} of the answer.`).join("\n\n");

const SCENARIOS: Record<string, Scenario> = {
  "an answer in parts": {
    script: () => says(LONG),
    steps: [{ event: from("hi") }],
    async check({ chat, store }) {
      expect(texts(chat).join("\n\n")).toBe(LONG);
      expect(await usersIn(store)).toEqual([["hi"]]);
    },
  },
  "two messages, the second while the first is answered": {
    script: () => echo,
    steps: [{ event: from("one") }, { event: from("two") }],
    async check({ chat, store }) {
      expect(texts(chat)).toEqual(["You said one.", "You said two."]);
      expect(await usersIn(store)).toEqual([["one", "two"]]);
    },
  },
  "a command that begins anew": {
    script: () => echo,
    steps: [
      { event: from("one"), until: shows("You said one.") },
      { event: from("/new"), until: shows("new conversation") },
      { event: from("two"), until: shows("You said two.") },
    ],
    async check({ chat, store }) {
      expect(texts(chat)).toHaveLength(3);
      expect((await usersIn(store)).sort()).toEqual([["one"], ["two"]]);
    },
  },
  "a tool that has to be approved": {
    script: () => acts,
    steps: [
      { event: from("go"), until: shows("go on?") },
      { event: from("/approve"), until: shows("It said:") },
    ],
    async check({ chat, ran }) {
      expect(ran.length).toBeLessThanOrEqual(1);
      expect(texts(chat).filter((text) => text.startsWith("It said:"))).toHaveLength(1);
      expect(questions(chat)).toHaveLength(1);
    },
  },
  "a stranger who gets a code": {
    script: () => echo,
    steps: [{ event: from("let me in", { sender: { id: "7", name: "Bob" }, address: { chat: "7" } }) }],
    async check({ chat, store }) {
      const codes = texts(chat, "7").map((text) => /approve telegram (\w{8})/.exec(text)?.[1] ?? "");
      expect(codes).toHaveLength(1);
      expect((await store.pairings.approve("telegram", codes[0] ?? "", "cli")).userId).toBe("7");
    },
  },
  "a message that interrupts": {
    script: () => (request, signal) => {
      const isAlone = !JSON.stringify(request.messages).includes("two");
      return (isAlone ? hangs("Well") : echo)(request, signal);
    },
    config: { gateway: { busy: "interrupt" } },
    steps: [
      { event: from("one"), until: (chat) => chat.messages("1").length > 0 },
      { event: from("two"), until: shows("two") },
    ],
    async check({ chat, store }) {
      expect(texts(chat).filter((text) => text.startsWith("You said"))).toEqual(["You said two."]);
      expect((await usersIn(store)).flat()).toEqual(["one", "two"]);
    },
  },
};

interface Life extends World {
  gateway: ToyGateway;
}

/** Goes through the scenario; dies at the `at`-th change, comes back, and is told everything again. Resolves with the changes. */
async function live(scenario: Scenario, at: number, when: "before" | "after"): Promise<number> {
  await using temp = await openTempStore();
  const world = { chat: toyChat({}, { maxChars: 400 }), ran: [] as string[] };
  const open = async (store: Store): Promise<Life> => {
    const tools = [probeTool(world.ran, { name: "terminal_probe", group: "terminal", asks: true })];
    const models = scriptedModels([scenario.script()]);
    const { config = {} } = scenario;
    const gateway = await openToyGateway({ models, chat: world.chat, store, tools, config });
    await gateway.agent.agent.recover();
    return { ...world, store, gateway };
  };
  const { adapter } = world.chat.connection;
  const dying = mortal(temp.store, adapter, at, when);
  Object.assign(world.chat.connection, { adapter: dying.adapter });
  const first = await open(dying.store);
  const fate = await Promise.race([
    dying.died,
    goThrough(scenario, first)
      .then(() => settled(first))
      .then(() => "lived" as const),
  ]);
  if (fate === "died") {
    void first.gateway.deliverer.stop(Promise.resolve()); // its timers; it changes nothing any more
    Object.assign(world.chat.connection, { adapter });
    const second = await open(await temp.restart());
    await goThrough(scenario, second);
    await settled(second);
    await scenario.check(second);
    const again = sentAgain(world.chat);
    expect(again).toEqual([...new Set(again)]); // of one delivery, no more than the message that was under way
    await second.gateway.agent.agent.stop(0);
    await second.gateway.deliverer.stop(Promise.resolve());
  } else {
    await scenario.check({ ...world, store: temp.store });
    await first.gateway[Symbol.asyncDispose]();
  }
  return dying.changes();
}

/** The platform delivers everything, whatever it delivered before, and again what is not taken. */
async function goThrough({ steps }: Scenario, { gateway, chat }: Life): Promise<void> {
  for (const { event, until } of steps) {
    const isTaken = () =>
      gateway.receive(event).then(
        () => true,
        () => false,
      );
    while (!(await isTaken())) await Bun.sleep(1);
    if (until) await chat.until(() => until(chat));
  }
}

/** The deliveries of messages that were sent once more. */
function sentAgain({ calls }: ToyChat): (string | undefined)[] {
  const ids = calls.flatMap(({ name, message }) => (name === "send" ? [message?.idempotencyId] : []));
  return ids.filter((id, index) => ids.indexOf(id) < index).map((id) => id?.split(":")[0]);
}

/** Nothing runs, and nothing is left to be sent. */
async function settled({ store }: Life): Promise<void> {
  for (;;) {
    const { runs } = await store.counts();
    const { items } = await store.deliveries.list({ limit: 50 });
    if (runs.queued + runs.running === 0 && items.every(({ finishedAt }) => finishedAt !== null)) return;
    await Bun.sleep(5);
  }
}

// Before a change is after the one that came first: it is looked at once.
for (const [name, scenario] of Object.entries(SCENARIOS))
  test(`whenever the process dies: ${name}`, async () => {
    const changes = await live(scenario, Number.POSITIVE_INFINITY, "after");
    expect(changes).toBeGreaterThan(2);
    await live(scenario, 1, "before");
    for (let at = 1; at <= changes; at++)
      await live(scenario, at, "after").catch((error: unknown) => {
        throw new Error(`it died after change ${at} of ${changes}`, { cause: error });
      });
  }, 60_000);

/** Goes through the scenario on a disk that is full for a while. Resolves with the number of writes. */
async function fill(scenario: Scenario, at: number, more: number): Promise<number> {
  await using temp = await openTempStore();
  const chat = toyChat({}, { maxChars: 400 });
  const ran: string[] = [];
  const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
  const full = fullDisk(temp.store, chat.connection.adapter, at, more);
  const models = scriptedModels([scenario.script()]);
  const { config = {} } = scenario;
  await using gateway = await openToyGateway({ models, chat, store: full.store, tools, config });
  const life = { chat, store: temp.store, ran, gateway };
  await goThrough(scenario, life);
  await settled(life);
  await scenario.check(life);
  return full.writes();
}

test("whenever the disk is full for a while, all is done in the end, and once", async () => {
  const scenario = SCENARIOS["two messages, the second while the first is answered"] as Scenario;
  const writes = await fill(scenario, Number.POSITIVE_INFINITY, 0);
  // Each time takes seconds, as what cannot be noted is tried again with patience.
  for (const at of [1, Math.ceil(writes / 2), writes]) await fill(scenario, at, 3);
}, 60_000);
