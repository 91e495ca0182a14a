import { startFakeWecomApp } from "../../fakes/wecom/app.ts";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import type { ChatServer, SendFailure, ServerOptions, Written } from "../server.ts";

const GROUP = "group-1";
const userOf = (person: number) => `person${person}`;
/** What never gets to the bot. */
const UNHEARD: Written = { redeliver() {}, fate: () => "open" };

/** WeCom with an AI bot, over its long connection. */
export async function startWecom({ isPatient = false }: ServerOptions = {}): Promise<ChatServer> {
  const fake = startFakeWecomBot({ clock: isPatient ? 1 : 2 });
  const chatOf = (where: number | "group") => (where === "group" ? GROUP : userOf(where));
  const texts = (where: number | "group") => fake.messages(chatOf(where));
  return {
    platform: "wecom",
    settings: { bot_id: fake.botId, bot_secret: fake.secret, api_base: fake.url },
    personId: userOf,
    groupId: GROUP,
    write(person, text, { group = false, mention = true } = {}) {
      const user = userOf(person);
      if (!group) return again(fake.write(text, { user }));
      // What does not mention the bot never reaches it.
      return mention ? again(fake.write(`@小助手 ${text}`, { user, group: GROUP })) : UNHEARD;
    },
    shown: (where) => texts(where).map(({ text }) => text),
    get edits() {
      return fake.messages().reduce((sum, { history }) => sum + history.length - 1, 0);
    },
    get typings() {
      return fake.frames("aibot_respond_msg").length;
    },
    failSends: (failure, times = 1) => fake.failTexts(toNumber(failure), times),
    failEdits: (failure, times = 1) => fake.failTexts(toNumber(failure), times),
    failOptionalCalls: fake.failSigns,
    drop: fake.drop,
    refuseConnections(ms) {
      fake.refuseUpgradesFor(ms);
      fake.drop();
    },
    get connections() {
      return fake.connections;
    },
    revoke: fake.revoke,
    isIdempotent: false,
    length: (text) => Buffer.byteLength(text),
    maxLength: 20_480,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };

  function again(msgid: string): Written {
    return { redeliver: () => fake.again(msgid), fate: () => fake.fate(msgid) };
  }
}

/** WeCom with an application, which it calls at the address that `sendTo` names. */
export async function startWecomApp(): Promise<ChatServer> {
  const fake = startFakeWecomApp();
  let lastId = 1_000;
  return {
    platform: "wecom",
    settings: {
      corp_id: fake.corpId,
      agent_id: fake.agentId,
      secret: fake.secret,
      token: fake.token,
      encoding_aes_key: fake.encodingAesKey,
      api_base: fake.url,
    },
    personId: userOf,
    groupId: "",
    write(person, text, { group = false } = {}) {
      if (group) return UNHEARD; // an application is in no group
      const id = String(++lastId);
      const writing = { user: userOf(person), id };
      const deliver = () => void fake.write(text, writing);
      deliver();
      return { redeliver: deliver, fate: () => fake.caller.fate(id) };
    },
    shown: (where) => fake.messages(where === "group" ? "" : userOf(where)).map(({ content }) => content),
    edits: 0,
    typings: 0,
    failSends: (failure, times = 1) => fake.fail("message/send", { errcode: toNumber(failure), times }),
    failEdits: () => undefined,
    failOptionalCalls: () => undefined,
    sendTo: fake.caller.sendTo,
    drop: () => undefined,
    refuseConnections: (ms) => void fake.goOffline().then(() => setTimeout(fake.goOnline, ms)),
    connections: 1,
    revoke() {
      fake.revoke();
      void fake.write("anybody there?", { user: userOf(1), id: String(++lastId) });
    },
    isIdempotent: true,
    length: (text) => Buffer.byteLength(text),
    maxLength: 2_048,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toNumber({ kind }: SendFailure): number {
  // Too many at once: after two seconds again.
  return kind === "rate_limited" ? 45033 : kind === "unavailable" ? -1 : 81013;
}
