import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { WSClient, type WsFrame } from "@wecom/aibot-node-sdk";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import type { FakeWecomBot } from "../../fakes/wecom/bot-contract.ts";

setDefaultTimeout(30_000);

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** WeCom's own client, connected to the fake. */
async function connected(wecom: FakeWecomBot, options = {}): Promise<WSClient> {
  const client = new WSClient({
    botId: wecom.botId,
    secret: wecom.secret,
    wsUrl: wecom.socketUrl,
    logger: quiet,
    reconnectInterval: 50,
    ...options,
  });
  client.on("error", () => undefined);
  const authenticated = new Promise<void>((resolve) => client.once("authenticated", resolve));
  client.connect();
  cleanups.push(() => client.disconnect());
  await authenticated;
  return client;
}

function fake(options = {}): FakeWecomBot {
  const wecom = startFakeWecomBot(options);
  cleanups.push(() => wecom[Symbol.asyncDispose]());
  return wecom;
}

describe("the fake is judged by WeCom's own client", () => {
  test("which answers by a stream, greets, writes first and sends files", async () => {
    const wecom = fake();
    const client = await connected(wecom);
    client.on("message.text", async (frame: WsFrame) => {
      await client.replyStream(frame, "stream-1", "you said", false);
      await client.replyStream(frame, "stream-1", `you said ${frame.body.text.content}`, true);
    });
    client.on("event.enter_chat", (frame: WsFrame) =>
      client.replyWelcome(frame, { msgtype: "text", text: { content: "welcome" } }),
    );
    wecom.event("enter_chat");
    wecom.write("hello");
    await wecom.until(
      () => wecom.messages().some(({ isFinished, type }) => isFinished && type === "stream"),
      "it answers",
    );
    await client.sendMessage("group-1", { msgtype: "markdown", markdown: { content: "**first**" } });
    const bytes = Buffer.alloc(600 * 1024, "x");
    const { media_id: id } = await client.uploadMedia(bytes, { type: "file", filename: "a.txt" });
    await client.sendMediaMessage("group-1", "file", id);
    expect(wecom.messages("ZhangSan")).toMatchObject([
      { type: "welcome", text: "welcome" },
      { type: "stream", text: "you said hello", history: ["you said", "you said hello"] },
    ]);
    expect(wecom.messages("group-1").map(({ text }) => text)).toEqual(["**first**", id]);
    expect(wecom.uploaded(id)?.bytes.equals(bytes)).toBe(true);
  });

  test("which shows buttons, and hears which one is pressed", async () => {
    const wecom = fake();
    const client = await connected(wecom);
    const pressed: unknown[] = [];
    client.on("event.template_card_event", ({ body }) => void pressed.push(body?.event));
    const card = {
      card_type: "button_interaction",
      main_title: { title: "Run it?" },
      button_list: [{ text: "Yes", key: "y", style: 1 }],
      task_id: "task_1",
    };
    await client.sendMessage("ZhangSan", { msgtype: "template_card", template_card: card });
    wecom.press("y");
    await wecom.until(() => pressed.length === 1, "the press");
    expect(pressed).toMatchObject([{ template_card_event: { event_key: "y" } }]);
    expect(wecom.messages().map(({ text }) => text)).toEqual(["Run it? [Yes]"]);
  });

  test("which decrypts a file of the fake", async () => {
    const wecom = fake();
    const client = await connected(wecom);
    for (const length of [1, 31, 32, 33, 1000]) {
      const bytes = Buffer.alloc(length, length);
      const { url, aeskey } = wecom.addFile(bytes, "报告.pdf");
      expect(await client.downloadFile(url, aeskey)).toEqual({ buffer: bytes, filename: "报告.pdf" });
    }
  });

  test("which comes back after a cut, and after pings without an answer", async () => {
    const wecom = fake();
    await connected(wecom, { heartbeatInterval: 20 });
    wecom.drop();
    await wecom.until(() => wecom.opened === 2 && wecom.connections === 1, "it is back");
    wecom.fallSilent();
    await wecom.until(() => wecom.opened === 3, "it makes another connection");
  });

  test("which stays away when another one has taken over", async () => {
    const wecom = fake();
    const first = await connected(wecom);
    const event = new Promise((resolve) => first.once("event.disconnected_event", resolve));
    await connected(wecom);
    await event;
    await Bun.sleep(200); // four times what it waits before it connects again
    expect([wecom.connections, wecom.opened]).toEqual([1, 2]);
    expect(first.isConnected).toBe(false);
  });

  test("which hears why it may not connect, and what was refused", async () => {
    const wecom = fake();
    const client = await connected(wecom);
    const refused = await client
      .sendMessage("", { msgtype: "markdown", markdown: { content: "x" } })
      .catch((e) => e);
    expect(refused).toMatchObject({ errcode: 40008 });
    const stranger = new WSClient({
      botId: wecom.botId,
      secret: "wrong",
      wsUrl: wecom.socketUrl,
      logger: quiet,
      maxAuthFailureAttempts: 0,
    });
    cleanups.push(() => stranger.disconnect());
    const error = new Promise<Error>((resolve) => stranger.once("error", resolve));
    stranger.connect();
    expect((await error).message).toContain("853000");
  });
});
