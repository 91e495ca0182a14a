import { startFakeDiscord } from "../../fakes/discord/index.ts";
import type { FakeUser } from "../../fakes/discord/world.ts";
import type { ChatServer, SendFailure } from "../server.ts";

const SEND = "POST /channels/:channel/messages";
const EDIT = "PATCH /channels/:channel/messages/:message";

/** Discord, over its gateway. */
export async function startDiscord(): Promise<ChatServer> {
  const fake = startFakeDiscord();
  const people = new Map<number, { user: FakeUser; channel: string }>();
  const person = (number: number) => {
    let known = people.get(number);
    if (known === undefined) {
      const user = fake.world.addUser(`person${number}`);
      known = { user, channel: fake.world.addChannel({ type: 1, recipient: user }).id };
      people.set(number, known);
    }
    return known;
  };
  return {
    platform: "discord",
    settings: { bot_token: fake.token, api_base: fake.apiBase },
    personId: (number) => person(number).user.id,
    groupId: fake.channel,
    write(number, text, { group = false, mention = true } = {}) {
      const { user, channel } = person(number);
      const content = group && mention ? `<@${fake.world.bot.id}> ${text}` : text;
      const written = fake.write({ author: user, channel: group ? fake.channel : channel, content });
      return { redeliver: () => fake.redeliver(written), fate: () => "open" };
    },
    shown: (where) =>
      fake
        .messages(where === "group" ? fake.channel : person(where).channel)
        .filter((message) => message.author.id === fake.world.bot.id)
        .map((message) => message.content),
    get edits() {
      return fake.calls(EDIT).length;
    },
    get typings() {
      return fake.calls("POST /channels/:channel/typing").length;
    },
    failSends: (failure, times = 1) => fake.fail(SEND, toFailure(failure, times)),
    failEdits: (failure, times = 1) => fake.fail(EDIT, toFailure(failure, times)),
    failOptionalCalls() {
      for (const route of ["POST /channels/:channel/typing", "PUT /applications/:application/commands"])
        fake.fail(route, { status: 403, code: 50001, message: "Missing Access", times: 1_000_000 });
    },
    drop: () => fake.gateway.drop(),
    refuseConnections(ms) {
      fake.refuseUpgrades(ms);
      fake.gateway.drop();
    },
    get connections() {
      return fake.gateway.connections;
    },
    revoke: () => fake.gateway.close(4004),
    isIdempotent: true,
    length: (text) => text.length,
    maxLength: 2_000,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toFailure(failure: SendFailure, times: number) {
  if (failure.kind === "rate_limited") return { rateLimitMs: failure.retryAfterMs, times };
  if (failure.kind === "unavailable") return { status: 502, times };
  return { status: 403, code: 50007, message: "Cannot send messages to this user", times };
}
