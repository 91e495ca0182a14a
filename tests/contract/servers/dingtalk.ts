import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import type { ChatServer, SendFailure, ServerOptions } from "../server.ts";

/** DingTalk, in Stream mode with answers in cards, or by calls with answers through the webhooks of conversations. */
export async function startDingTalk({
  calls = false,
  isPatient = false,
}: ServerOptions = {}): Promise<ChatServer> {
  const fake = startFakeDingTalk({ redeliverAfterMs: isPatient ? 3_000 : 1_000 });
  return {
    platform: "dingtalk",
    settings: {
      app_key: fake.appKey,
      app_secret: fake.appSecret,
      api_base: fake.apiBase,
      ...(calls ? { mode: "webhook" } : { card_template_id: fake.cardTemplateId }),
    },
    personId: fake.staffId,
    groupId: fake.groupId,
    write(person, text, { group: inGroup = false, mention = true } = {}) {
      const msgId = fake.write({ text, person, inGroup, mention });
      return { redeliver: () => fake.again(msgId), fate: () => fake.fate(msgId) };
    },
    shown: (where) =>
      fake.shown(where === "group" ? fake.groupId : fake.directId(where)).map(({ text }) => text),
    get edits() {
      return fake.calls("card text").length;
    },
    typings: 0,
    failSends(failure, times = 1) {
      fake.fail("webhook", toFailure(failure), times);
      fake.fail("card", toFailure(failure), times);
    },
    failEdits: (failure, times = 1) => fake.fail("card text", toFailure(failure), times),
    failOptionalCalls: () => fake.fail("reaction", { status: 403, code: "Forbidden" }),
    sendTo: fake.postTo,
    drop: fake.drop,
    refuseConnections(ms) {
      fake.refuseUpgradesFor(ms);
      fake.drop();
    },
    get connections() {
      return fake.connections;
    },
    revoke() {
      fake.changeSecret();
      fake.drop();
    },
    isIdempotent: false, // a card has an id, but what did not grow is none
    length: (text) => Buffer.byteLength(text),
    maxLength: 15_000,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toFailure(failure: SendFailure) {
  if (failure.kind === "rate_limited")
    return { status: 429, code: "TooManyRequests", retryAfterS: Math.ceil(failure.retryAfterMs / 1000) };
  if (failure.kind === "unavailable") return { status: 502 };
  return { errcode: 460101 };
}
