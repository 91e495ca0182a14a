import { startFakeWechat } from "../../fakes/wechat/index.ts";
import type { ChatServer, SendFailure } from "../server.ts";

const userOf = (person: number) => `openid-${person}`;

/** WeChat in secure mode, which calls the address that `sendTo` names. Its people ask for the rest when there is more. */
export async function startWechat(): Promise<ChatServer> {
  const fake = startFakeWechat({ clock: 1, mode: "secure" });
  let lastId = 1_000;
  const write = (person: number, text: string) => {
    const writing = { user: userOf(person), id: String(++lastId) };
    const deliver = () => void fake.write(text, writing);
    deliver();
    return { redeliver: deliver };
  };
  const asked = new Set<unknown>();
  const reader = setInterval(() => {
    for (const message of fake.messages()) {
      if (asked.has(message) || !/回复“继续”/.test(message.text)) continue;
      asked.add(message);
      void fake.write("继续", { user: message.user, id: String(++lastId) });
    }
  }, 50);
  return {
    platform: "wechat",
    settings: {
      app_id: fake.appId,
      app_secret: fake.appSecret,
      token: fake.token,
      encoding_aes_key: fake.encodingAesKey,
      api_base: fake.url,
    },
    personId: userOf,
    groupId: "",
    // An account is in no group.
    write: (person, text, { group = false } = {}) => (group ? { redeliver() {} } : write(person, text)),
    shown: (where) => fake.messages(where === "group" ? "" : userOf(where)).map(({ text }) => text),
    edits: 0,
    get typings() {
      return fake.typings.length;
    },
    failSends: (failure, times = 1) =>
      fake.fail("message/custom/send", { errcode: toNumber(failure), times }),
    failEdits: () => undefined,
    failOptionalCalls: () => fake.fail("message/custom/typing", { errcode: 48001, times: 1_000_000 }),
    sendTo: fake.caller.sendTo,
    drop: () => undefined,
    refuseConnections: (ms) => void fake.goOffline().then(() => setTimeout(fake.goOnline, ms)),
    connections: 1,
    revoke() {
      fake.revoke();
      write(1, "anybody there?");
    },
    isIdempotent: false,
    length: (text) => Buffer.byteLength(text),
    maxLength: 2_048,
    async [Symbol.asyncDispose]() {
      clearInterval(reader);
      await fake[Symbol.asyncDispose]();
    },
  };
}

function toNumber({ kind }: SendFailure): number {
  return kind === "rate_limited" ? 45011 : kind === "unavailable" ? -1 : 43004;
}
