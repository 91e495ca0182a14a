import { expect, setDefaultTimeout, test } from "bun:test";
import { Bot, InlineKeyboard, InputFile } from "grammy";
import TelegramServer from "telegram-test-api";
import { createAdapter } from "../../../src/platforms/telegram/adapter.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { account, failureOf, messagesOf, never, outbound, SHORT_TIMING, startListening } from "./setup.ts";

setDefaultTimeout(60_000);

test("grammY's own bot completes a round trip against the fake", async () => {
  await using fake = await startFakeTelegram();
  const bot = new Bot(fake.token, { client: { apiRoot: fake.url } });
  bot.command("start", (context) => context.reply("started"));
  bot.callbackQuery("yes", async (context) => {
    await context.answerCallbackQuery("noted");
    await context.editMessageText("<b>pressed</b>", { parse_mode: "HTML" });
  });
  bot.on("message:text", async (context) => {
    await context.replyWithChatAction("typing");
    await context.react("👍");
    const sent = await context.reply(`you said ${context.message.text}`, {
      reply_parameters: { message_id: context.msgId },
      reply_markup: new InlineKeyboard().text("Yes", "yes"),
    });
    await context.api.editMessageText(context.chatId, sent.message_id, "edited", {
      reply_markup: new InlineKeyboard().text("Yes", "yes"),
    });
  });
  bot.on("message:document", async (context) => {
    const { file_path: path } = await context.getFile();
    const bytes = await (await fetch(`${fake.url}/file/bot${fake.token}/${path}`)).bytes();
    await context.replyWithDocument(new InputFile(bytes, "back.txt"), { caption: "here it is" });
  });
  const running = bot.start();
  try {
    fake.write("/start");
    const { messageId } = fake.write("hello");
    await fake.until("it is edited", () => fake.messages(501)[1]?.earlier.length === 1);
    expect(fake.messages(501)).toMatchObject([
      { text: "started" },
      {
        text: "edited",
        replyTo: messageId,
        buttons: [{ text: "Yes", data: "yes" }],
        earlier: ["you said hello"],
      },
    ]);
    expect(fake.reaction(501, messageId)).toBe("👍");
    fake.press(fake.messages(501)[1]?.messageId ?? 0, "yes");
    await fake.until("the press shows", () => fake.messages(501)[1]?.text.includes("pressed"));
    expect(fake.calls("answerCallbackQuery")[0]?.params).toMatchObject({ text: "noted" });
    expect(fake.messages(501)[1]?.buttons).toEqual([]);
    const document = { file_id: fake.addFile(Buffer.from("bytes")), file_unique_id: "u" };
    fake.write("", { more: { document } });
    await fake.until("the file comes back", () => fake.messages(501).length === 3);
    expect(fake.messages(501)[2]).toMatchObject({
      caption: "here it is",
      file: { kind: "document", name: "back.txt" },
    });
    expect(Buffer.from(fake.messages(501)[2]?.file?.bytes ?? []).toString()).toBe("bytes");
  } finally {
    await bot.stop();
    await running;
  }
  expect(fake.pending).toEqual([]);
});

test("grammY's own bot sees the fake's errors as Telegram's", async () => {
  await using fake = await startFakeTelegram();
  const bot = new Bot(fake.token, { client: { apiRoot: fake.url } });
  fake.chat(501);
  const sent = await bot.api.sendMessage(501, "hello");
  const failed = (call: Promise<unknown>) =>
    call.then(
      () => null,
      ({ error_code, parameters }) => ({ error_code, parameters }),
    );
  const refused = { error_code: 400, parameters: {} };
  expect(await failed(bot.api.editMessageText(501, sent.message_id, "hello"))).toEqual(refused);
  expect(await failed(bot.api.sendMessage(502, "hello"))).toEqual(refused);
  expect(await failed(bot.api.sendMessage(501, "x".repeat(4097)))).toEqual(refused);
  expect(await failed(bot.api.sendMessage(501, "   "))).toEqual(refused);
  expect(await failed(bot.api.sendChatAction(501, "dancing" as "typing"))).toEqual(refused);
  fake.fail("sendMessage", { retryAfter: 7 });
  expect(await failed(bot.api.sendMessage(501, "a"))).toEqual({
    error_code: 429,
    parameters: { retry_after: 7 },
  });
  fake.chat(-5, { migratedTo: -1005 });
  expect(await failed(bot.api.sendMessage(-5, "a"))).toEqual({
    error_code: 400,
    parameters: { migrate_to_chat_id: -1005 },
  });
  const stranger = new Bot("4242:wrong", { client: { apiRoot: fake.url } });
  await expect(stranger.start()).rejects.toThrow("401");
});

test("the adapter works with a Telegram that others have written", async () => {
  const port = await freePort();
  const server = new TelegramServer({ port, host: "127.0.0.1" });
  await server.start();
  const token = "55:other";
  const client = server.getClient(token, { userId: 9, chatId: 9, firstName: "Grace" });
  const settings = account({ bot_token: token, api_base: server.config.apiURL, max_retries: 0 });
  const adapter = createAdapter(settings, SHORT_TIMING);
  try {
    await using heard = startListening(adapter);
    await client.sendMessage(client.makeMessage("hello"));
    await heard.until("the message comes", () => heard.events.length === 1);
    expect(messagesOf(heard)).toMatchObject([{ text: "hello", sender: { id: "9", name: "Grace" } }]);

    const sent = await adapter.send(outbound("**part** of it", { address: { chat: "9" } }), never);
    await adapter.edit(sent, outbound("**all** of it", { address: { chat: "9" } }), never);
    const history = server
      .getUpdatesHistory(token)
      .flatMap((one) => ("message" in one ? [one.message.text] : []));
    expect(history).toEqual(["hello", expect.stringContaining("of it")]);
    expect(history[1]).toContain("all");

    await client.sendCallback(client.makeCallbackQuery("yes"));
    await heard.until("the press comes", () => heard.events.length === 2);
    expect(messagesOf(heard)[1]).toMatchObject({ button: "yes" });

    // It has none of these, which harms nothing but themselves.
    expect(await failureOf(adapter.typing({ chat: "9" }, never))).toMatchObject({
      kind: "unavailable",
    });
    expect(await failureOf(adapter.react({ chat: "9" }, sent.messageId, "done", never))).toMatchObject({
      kind: "unavailable",
    });
    await client.sendMessage(client.makeMessage("still there?"));
    await heard.until("it goes on", () => heard.events.length === 3);
    expect(heard.states).toEqual(["connected as TestNameBot (666)"]);
  } finally {
    await server.stop();
  }
});

/** The server takes a number only, and no 0. */
async function freePort(): Promise<number> {
  await using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  return taken.port ?? 0;
}
