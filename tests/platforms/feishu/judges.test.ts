import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  Client,
  DefaultCache,
  EventDispatcher,
  generateChallenge,
  LoggerLevel,
  WSClient,
} from "@larksuiteoapi/node-sdk";
import { callbackOf, envelope, type FakeFeishu, startFakeFeishu } from "../../fakes/feishu/index.ts";

setDefaultTimeout(60_000);

const loggerLevel = LoggerLevel.fatal;
const ENCRYPT_KEY = "encrypt-key-飞书";

interface Received {
  message: { message_id: string; chat_id: string; content: string; message_type: string };
  sender: { sender_id?: { open_id?: string } };
}

/** The official client with the keys of the fake's app. It keeps tokens for the whole process, unless it is given a place. */
function clientOf({ appId, appSecret, apiBase }: FakeFeishu) {
  return new Client({ appId, appSecret, domain: apiBase, loggerLevel, cache: new DefaultCache() });
}

/** The official long connection; `handle` is told of every message. */
async function connectSdk(
  fake: FakeFeishu,
  handle: (event: Received) => Promise<void>,
  press = async (_: unknown) => ({}),
) {
  const eventDispatcher = new EventDispatcher({ loggerLevel }).register({
    "im.message.receive_v1": (event) => handle(event as Received),
    "card.action.trigger": press,
  });
  const socket = new WSClient({
    appId: fake.appId,
    appSecret: fake.appSecret,
    domain: fake.apiBase,
    loggerLevel,
  });
  await socket.start({ eventDispatcher });
  await fake.until(() => fake.connections === 1, "the SDK is connected");
  return { [Symbol.dispose]: () => socket.close({ force: true }) };
}

describe("the official SDK", () => {
  test("receives an event in pieces, answers in a thread, reacts, and acknowledges", async () => {
    await using fake = startFakeFeishu();
    const client = clientOf(fake);
    using _ = await connectSdk(fake, async ({ message }) => {
      const { text } = JSON.parse(message.content) as { text: string };
      await client.im.v1.message.reply({
        path: { message_id: message.message_id },
        data: {
          msg_type: "text",
          content: JSON.stringify({ text: `you said ${text}` }),
          reply_in_thread: true,
          uuid: "u1",
        },
      });
      await client.im.v1.messageReaction.create({
        path: { message_id: message.message_id },
        data: { reaction_type: { emoji_type: "OK" } },
      });
    });
    const text = `你好 ${"长".repeat(3000)}`;
    const written = fake.write({ text, pieces: [1, 2, 0] });
    await fake.until(() => fake.acks.length === 1, "the ack");
    expect(fake.sent()).toMatchObject([{ parent: written.id, content: { text: `you said ${text}` } }]);
    expect(written.reactions).toMatchObject([{ emoji: "OK", isFromBot: true }]);
    // The SDK itself rounds the frame's ids of 64 bits.
    expect(fake.acks[0]).toMatchObject({ code: 200, service: 33554678 });
    await fake.until(() => fake.heartbeats > 2, "pings");
  });

  test("comes back after a cut connection, and gets what came meanwhile", async () => {
    await using fake = startFakeFeishu();
    const texts: string[] = [];
    using _ = await connectSdk(fake, async ({ message }) => void texts.push(message.content));
    fake.drop();
    fake.write({ text: "meanwhile" });
    await fake.until(() => texts.length === 1, "the message");
    expect(fake.connections).toBe(1);
  });

  test("takes the press of a button, and its answer is no error", async () => {
    await using fake = startFakeFeishu();
    const client = clientOf(fake);
    const presses: unknown[] = [];
    using _ = await connectSdk(
      fake,
      async () => undefined,
      async (event) => {
        presses.push(event);
        return { toast: { type: "info", content: "noted" } };
      },
    );
    const button = {
      tag: "button",
      text: { tag: "plain_text", content: "Yes" },
      type: "primary",
      behaviors: [{ type: "callback", value: { answer: "yes" } }],
    };
    const card = { schema: "2.0", config: { update_multi: true }, body: { elements: [button] } };
    await client.im.v1.message.create({
      params: { receive_id_type: "chat_id" },
      data: { receive_id: "oc_p2p_user", msg_type: "interactive", content: JSON.stringify(card) },
    });
    const [message] = fake.sent();
    if (!message) throw new Error("nothing was sent");
    fake.press(message, "Yes");
    await fake.until(() => fake.acks.length === 1, "the ack");
    expect(presses).toMatchObject([
      { action: { value: { answer: "yes" } }, context: { open_message_id: message.id } },
    ]);
  });

  test("writes out a card, closes it, and changes an ordinary one", async () => {
    await using fake = startFakeFeishu();
    const client = clientOf(fake);
    const element = { tag: "markdown", element_id: "stream_md", content: "..." };
    const card = {
      schema: "2.0",
      config: { streaming_mode: true, update_multi: true },
      body: { elements: [element] },
    };
    const created = await client.cardkit.v1.card.create({
      data: { type: "card_json", data: JSON.stringify(card) },
    });
    const cardId = created.data?.card_id ?? "";
    await client.im.v1.message.create({
      params: { receive_id_type: "open_id" },
      data: {
        receive_id: "ou_user",
        msg_type: "interactive",
        content: JSON.stringify({ type: "card", data: { card_id: cardId } }),
      },
    });
    await client.cardkit.v1.cardElement.content({
      path: { card_id: cardId, element_id: "stream_md" },
      data: { content: "hello", sequence: 1, uuid: "c1" },
    });
    await client.cardkit.v1.card.settings({
      path: { card_id: cardId },
      data: { settings: JSON.stringify({ config: { streaming_mode: false } }), sequence: 2 },
    });
    expect(fake.sent().map(fake.read)).toEqual(["hello"]);
    expect(fake.cards[0]?.isStreaming).toBe(false);
    const plain = { ...card, config: { update_multi: true } };
    const ordinary = await client.im.v1.message.create({
      params: { receive_id_type: "open_id" },
      data: { receive_id: "ou_user", msg_type: "interactive", content: JSON.stringify(plain) },
    });
    const changed = { ...plain, body: { elements: [{ ...element, content: "changed" }] } };
    await client.im.v1.message.patch({
      path: { message_id: ordinary.data?.message_id ?? "" },
      data: { content: JSON.stringify(changed) },
    });
    expect(fake.sent().map(fake.read)).toEqual(["hello", "changed"]);
  });

  test("uploads and downloads a file", async () => {
    await using fake = startFakeFeishu();
    const client = clientOf(fake);
    const uploaded = await client.im.v1.file.create({
      data: { file_type: "stream", file_name: "a.txt", file: Buffer.from("bytes") },
    });
    const sent = await client.im.v1.message.create({
      params: { receive_id_type: "chat_id" },
      data: {
        receive_id: "oc_group",
        msg_type: "file",
        content: JSON.stringify({ file_key: uploaded?.file_key }),
      },
    });
    const path = { message_id: sent.data?.message_id ?? "", file_key: uploaded?.file_key ?? "" };
    const { getReadableStream } = await client.im.v1.messageResource.get({ path, params: { type: "file" } });
    const parts: Buffer[] = [];
    for await (const part of getReadableStream()) parts.push(Buffer.from(part as Uint8Array));
    expect(Buffer.concat(parts).toString()).toBe("bytes");
  });

  test("agrees about callbacks: what the fake signs and encrypts, and what nobody else could", async () => {
    const heard: unknown[] = [];
    const dispatcher = new EventDispatcher({ encryptKey: ENCRYPT_KEY, loggerLevel }).register({
      "im.message.receive_v1": async (event) => void heard.push(event.message.message_id),
    });
    const event = envelope("im.message.receive_v1", { id: "cli_1" }, { message: { message_id: "om_1" } });
    const invoke = (request: ReturnType<typeof callbackOf>, headers = request.headers) =>
      dispatcher.invoke(Object.assign(Object.create({ headers }), JSON.parse(request.body)));
    const good = callbackOf(event, { encryptKey: ENCRYPT_KEY });
    await invoke(good);
    expect(heard).toEqual(["om_1"]);
    await invoke(good, { ...good.headers, "x-lark-request-nonce": "other" });
    await invoke(callbackOf(event, { encryptKey: "other" }));
    expect(heard).toEqual(["om_1"]);
    const challenge = callbackOf(
      { type: "url_verification", challenge: "c", token: "" },
      { encryptKey: ENCRYPT_KEY },
    );
    expect(generateChallenge(JSON.parse(challenge.body), { encryptKey: ENCRYPT_KEY })).toEqual({
      isChallenge: true,
      challenge: { challenge: "c" },
    });
  });
});
