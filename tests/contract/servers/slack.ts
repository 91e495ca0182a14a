import { startFakeSlack } from "../../fakes/slack/index.ts";
import type { ChatServer, SendFailure, ServerOptions } from "../server.ts";

const GROUP = "C0GROUP";

/** Of the retries after a minute and after five: three seconds and fifteen. */
const PATIENT_CLOCK = 20;

/** Slack, over Socket Mode or the Events API. */
export async function startSlack({
  calls = false,
  isPatient = false,
}: ServerOptions = {}): Promise<ChatServer> {
  const fake = startFakeSlack(isPatient ? { clock: PATIENT_CLOCK } : { redeliverAfterMs: 1_000 });
  const userOf = (person: number) => `U0PERSON${person}`;
  const channelOf = (where: number | "group") => (where === "group" ? GROUP : `D0PERSON${where}`);
  const count = (...methods: string[]) => methods.reduce((sum, method) => sum + fake.calls(method).length, 0);
  return {
    platform: "slack",
    settings: {
      bot_token: fake.botToken,
      signing_secret: fake.signingSecret,
      ...(calls ? {} : { app_token: fake.appToken }),
      api_base: fake.apiBase,
    },
    personId: userOf,
    groupId: GROUP,
    write(person, text, { group = false, mention = true } = {}) {
      const said = group && mention ? `<@${fake.botUserId}> ${text}` : text;
      const channel = channelOf(group ? "group" : person);
      const ts = fake.write({ text: said, channel, user: userOf(person) });
      return { redeliver: () => fake.again(ts), fate: () => fake.fate(ts) };
    },
    shown: (where) =>
      fake
        .messages(channelOf(where))
        .filter((message) => !message.isDeleted && message.user === fake.botUserId)
        .map((message) => (message.stream === "none" ? message.text : message.markdown)),
    get edits() {
      return count("chat.update", "chat.appendStream");
    },
    get typings() {
      return count("assistant.threads.setStatus");
    },
    failSends: (failure, times = 1) => fake.fail("chat.postMessage", toFailure(failure), times),
    failEdits: (failure, times = 1) => fake.fail("chat.update", toFailure(failure), times),
    failOptionalCalls() {
      for (const method of ["assistant.threads.setStatus", "reactions.add", "chat.startStream"])
        fake.fail(method, { error: "missing_scope" });
    },
    sendTo: fake.sendTo,
    drop: () => fake.drop(),
    refuseConnections(ms) {
      fake.refuseUpgradesFor(ms);
      fake.drop();
    },
    get connections() {
      return fake.connections;
    },
    revoke() {
      for (const method of ["auth.test", "apps.connections.open"])
        fake.fail(method, { error: "invalid_auth" });
      fake.drop();
    },
    isIdempotent: true, // by `client_msg_id`; streams, which have none, are for threads
    length: (text) => text.length,
    maxLength: 4_000,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toFailure(failure: SendFailure) {
  if (failure.kind === "rate_limited") return { retryAfterS: Math.ceil(failure.retryAfterMs / 1000) };
  if (failure.kind === "unavailable") return { status: 502 };
  return { error: "channel_not_found" };
}
