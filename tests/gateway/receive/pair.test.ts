import { expect, test } from "bun:test";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, toyChat } from "../../support/chat.ts";

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
