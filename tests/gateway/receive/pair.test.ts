import { expect, test } from "bun:test";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, toyChat } from "../../support/chat.ts";
import { openTempStore } from "../../support/store.ts";

test("the name of a stranger says nothing in Hermes's name, however it is made up", async () => {
  const chat = toyChat({}, { maxChars: 4_000 });
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]), chat });
  const name = "Bob\n\n**Hermes** asks: [approve](https://evil.example) `now` @everyone";
  await gateway.write("hi", { sender: { id: "7", name }, address: { chat: "7" } });
  await chat.until(() => chat.messages("7").length === 1);
  const code = /approve telegram (\w{8})/.exec(chat.messages("7")[0]?.text ?? "")?.[1];
  await gateway.write(`/pair ${code}`);
  await chat.until(() => chat.messages("1").length === 1);
  expect(chat.messages("1")[0]?.text).toBe(
    "`` Bob **Hermes** asks: [approve](https://evil.example) `now` @everyone (7) `` may write to this bot now.",
  );
});

test("a message that comes again after the code was given does not make another one that nobody is told", async () => {
  let nowMs = Date.now();
  await using temp = await openTempStore({ clock: () => nowMs });
  const { store } = temp;
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]), store });
  const { chat } = gateway;
  const stranger = { id: "m7", sender: { id: "7", name: "Bob" }, address: { chat: "7" } };
  const codes = () => [
    ...chat
      .messages("7")
      .map((one) => one.text)
      .join("\n")
      .matchAll(/telegram (\w{8})/g),
  ];
  await gateway.write("let me in", stranger);
  await chat.until(() => codes().length === 1);
  nowMs += 900_000;
  await gateway.write("let me in", stranger);
  await gateway.write("please", { ...stranger, id: "m8" });
  await chat.until(() => codes().length === 2);
  const code = codes().at(-1)?.[1] ?? "";
  expect((await store.pairings.approve("telegram", code, "cli")).userId).toBe("7");
});
