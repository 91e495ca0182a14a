import { expect, test } from "bun:test";
import type { Store } from "../../../src/store/contract.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openToyGateway, type ToyGateway, toyChat } from "../../support/chat.ts";

const stranger = { sender: { id: "7", name: "Bob" }, address: { chat: "77" } };

/** Lets the stranger ask for a code. */
async function codeOf({ chat, write }: ToyGateway, text: string): Promise<string> {
  await write(text, stranger);
  await chat.until(() => chat.messages("77").length === 1);
  return /pairing approve telegram ([A-Z2-9]{8})/.exec(chat.messages("77")[0]?.text ?? "")?.[1] ?? "";
}

const noticesOf = async ({ deliveries }: Store) =>
  (await deliveries.list({ limit: 10 })).items.filter(({ target }) => target.chat === "77");

test("whoever is let in by somebody in a chat is told so in the own chat and language, once", async () => {
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]) });
  const { chat } = gateway;
  const code = await codeOf(gateway, "你好");
  await gateway.write(`/pair ${code}`, { id: "p" });
  await gateway.write(`/pair ${code}`, { id: "p" });
  await chat.until(() => chat.messages("77").length === 2);
  expect(chat.messages("77")[1]?.text).toBe("你已获准，现在可以与我对话了。");
  await chat.until(() => chat.messages("1").length === 1);
  expect(chat.messages("1")[0]?.text).toBe("`Bob (7)` may write to this bot now.");
  expect(await noticesOf(gateway.store)).toHaveLength(2);
});

test("a wrong code tells nobody anything", async () => {
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]) });
  await codeOf(gateway, "hi");
  await gateway.write("/pair ABCDEFGH");
  await gateway.chat.until(() => gateway.chat.messages("1").length === 1);
  expect(await noticesOf(gateway.store)).toHaveLength(1);
});

test("whoever was let in may not let others in", async () => {
  const chat = toyChat();
  await using gateway = await openToyGateway({ models: scriptedModels([says("x")]), chat });
  const code = await codeOf(gateway, "hi");
  await gateway.write(`/pair ${code}`);
  await chat.until(() => chat.messages("77").length === 2);
  await gateway.write("/pair ABCDEFGH", stranger);
  await chat.until(() => chat.messages("77").length === 3);
  expect(chat.messages("77")[2]?.text).toBe("This is not yours to decide, or it is decided already.");
});
