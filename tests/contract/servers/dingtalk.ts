import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import type { ChatServer, SendFailure } from "../server.ts";

/** DingTalk, in Stream mode; by posts to an address once `sendTo` has named it. */
export async function startDingTalk(): Promise<ChatServer> {
  const fake = startFakeDingTalk({ redeliverAfterMs: 1_000 });
  return {
    platform: "dingtalk",
    settings: {
      app_key: fake.appKey,
      app_secret: fake.appSecret,
      api_base: fake.apiBase,
      card_template_id: fake.cardTemplateId,
    },
    personId: fake.staffId,
    groupId: fake.groupId,
    write(person, text, { group: inGroup = false, mention = true } = {}) {
      const msgId = fake.write({ text, person, inGroup, mention });
      return { redeliver: () => fake.again(msgId) };
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
    isIdempotent: false,
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
