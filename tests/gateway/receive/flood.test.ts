import { expect, test } from "bun:test";
import { hangs, type Script, says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, toyChat } from "../../support/chat.ts";

const bob = { sender: { id: "2", name: "Bob" }, address: { chat: "2" } };

test("whoever writes without end takes the places of nobody else, and is told once", async () => {
  const chat = toyChat({ allowed_users: [1, 2] }, { maxChars: 4_000 });
  const models = scriptedModels([hangs("first"), says("for Bob")]);
  const config = { agent: { max_queued_turns: 10 } };
  await using gateway = await openToyGateway({ models, chat, config });
  for (let n = 0; n < 30; n++) await gateway.write(`message ${n}`);
  await gateway.write("hello", bob);
  await chat.until(() => chat.messages("2").length === 1);
  const waiting = (await gateway.store.runs.list({ limit: 50, status: "queued" })).items;
  expect(waiting).toHaveLength(5);
  const told = () => chat.messages("1").filter((one) => one.text.includes("wait for an answer already"));
  await chat.until(() => told().length > 0);
  await gateway.write("/stop");
  await chat.until(() => chat.messages("1").some((one) => one.text.startsWith("Stopped")));
  expect(told()).toHaveLength(1);
});

test("a message that was taken is a message that was taken, however many wait when it comes again", async () => {
  const models = scriptedModels([hangs("first")]);
  const config = { agent: { max_queued_turns: 4 } };
  await using gateway = await openToyGateway({ models, config });
  for (let n = 0; n < 10; n++) await gateway.write(`message ${n}`, { id: `m${n}` });
  const before = (await gateway.store.deliveries.list({ limit: 50 })).items.map(
    ({ id, kind }) => `${id} ${kind}`,
  );
  for (let n = 0; n < 10; n++) await gateway.write(`message ${n}`, { id: `m${n}` });
  const after = (await gateway.store.deliveries.list({ limit: 50 })).items.map(
    ({ id, kind }) => `${id} ${kind}`,
  );
  expect(after).toEqual(before);
  expect((await gateway.store.runs.list({ limit: 50 })).items).toHaveLength(3);
});

test("what strangers write in groups is looked up nowhere", async () => {
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]) });
  const { chats, pairings } = gateway.store;
  const refuse = () => Promise.reject(new Error("it was looked up"));
  Object.assign(chats, { get: refuse, formerIds: refuse });
  Object.assign(pairings, { isApproved: refuse, request: refuse });
  const group = { scope: "group" as const, address: { chat: "-5" }, sender: { id: "7", name: "Bob" } };
  await gateway.write("hello", group);
  await gateway.write("", { ...group, button: "y:apr_1" });
});

test("/stop ends what runs before it has ended all that waits, and begins none of that", async () => {
  const aborted = Promise.withResolvers<string>();
  const first: Script = async function* (_request, signal) {
    yield { type: "text", text: "first" };
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const chat = toyChat();
  const models = scriptedModels([first, says("another")]);
  await using gateway = await openToyGateway({ models, chat });
  await Promise.all(Array.from({ length: 300 }, (_, n) => gateway.write(`message ${n}`)));
  await chat.until(() => chat.messages("1").length === 1);
  const { finish } = gateway.store.runs;
  gateway.store.runs.finish = async (...parts) => {
    const finished = await finish(...parts);
    aborted.resolve(parts[0]);
    return finished;
  };
  const [running] = (await gateway.store.runs.list({ limit: 1, status: "running" })).items;
  await gateway.write("/stop");
  expect(await aborted.promise).toBe(running?.id ?? "");
  const { runs } = await gateway.store.counts();
  expect(runs).toMatchObject({ queued: 0, completed: 0 });
  expect(models.requests).toHaveLength(1);
}, 20_000);
