import { startFakeWechat } from "../../fakes/wechat/index.ts";
import type { ChatServer, SendFailure, ServerOptions, Written } from "../server.ts";

const userOf = (person: number) => `openid-${person}`;
/** What never gets to the bot. */
const UNHEARD: Written = { redeliver() {}, fate: () => "open" };
/** What an account says by itself: below a text of which there is more, and in place of one that is not ready. */
const ASKS_TO_ASK = /回复“继续”/;

/** How the account is. */
export interface WechatOptions extends ServerOptions {
  /** It may push, and is in secure mode; otherwise in plain mode. True without it. */
  isVerified?: boolean;
}

/**
 * WeChat, which calls the address that `sendTo` names. Its people ask for the rest when there is more: at once, or after a while when
 * it is patient.
 */
export async function startWechat(options: WechatOptions = {}): Promise<ChatServer> {
  const { isVerified = true, isPatient = false } = options;
  const fake = startFakeWechat({
    clock: 1,
    isVerified,
    ...(isVerified ? { mode: "secure" } : { mode: "plain", appId: "wx0000000000000002" }),
  });
  let lastId = 1_000;
  const write = (person: number, text: string): Written => {
    const id = String(++lastId);
    const deliver = () => void fake.write(text, { user: userOf(person), id });
    deliver();
    return { redeliver: deliver, fate: () => fake.caller.fate(id) };
  };
  const stopReading = readOn(fake, isPatient ? 3_000 : 0, () => String(++lastId));
  return {
    platform: "wechat",
    settings: {
      app_id: fake.appId,
      app_secret: fake.appSecret,
      token: fake.token,
      ...(isVerified ? { encoding_aes_key: fake.encodingAesKey } : {}),
      api_base: fake.url,
    },
    personId: userOf,
    groupId: "",
    // An account is in no group.
    write: (person, text, { group = false } = {}) => (group ? UNHEARD : write(person, text)),
    askForMore: (person) => void write(person, "继续"),
    shown: (where) => fake.messages(where === "group" ? "" : userOf(where)).map(({ text }) => text),
    edits: 0,
    get typings() {
      return fake.typings.length;
    },
    get ways() {
      const by = (way: string) => fake.messages().filter((message) => message.by === way).length;
      return { "in the answer to a call": by("reply"), pushed: by("push") };
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
      write(1, "slow: anybody there?"); // an answer within the call to the webhook needs no credentials, but typing does
    },
    isIdempotent: false,
    length: (text) => Buffer.byteLength(text),
    maxLength: 2_048,
    async [Symbol.asyncDispose]() {
      stopReading();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Whoever is told that there is more asks for it. */
function readOn(fake: ReturnType<typeof startFakeWechat>, afterMs: number, nextId: () => string): () => void {
  const asked = new Set<unknown>();
  const reader = setInterval(() => {
    for (const message of fake.messages()) {
      if (asked.has(message) || !ASKS_TO_ASK.test(message.text)) continue;
      asked.add(message);
      setTimeout(() => void fake.write("继续", { user: message.user, id: nextId() }), afterMs);
    }
  }, 50);
  return () => clearInterval(reader);
}

function toNumber({ kind }: SendFailure): number {
  return kind === "rate_limited" ? 45011 : kind === "unavailable" ? -1 : 43004;
}
