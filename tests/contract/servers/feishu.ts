import { startFakeFeishu } from "../../fakes/feishu/index.ts";
import type { ChatServer, SendFailure, ServerOptions } from "../server.ts";

const GROUP = "oc_group";
const SENDS = ["POST /im/v1/messages", "POST /im/v1/messages/:id/reply"] as const;
const EDITS = [
  "PATCH /im/v1/messages/:id",
  "PUT /cardkit/v1/cards/:id",
  "PUT /cardkit/v1/cards/:id/elements/:id/content",
] as const;
const OPTIONAL = ["POST /im/v1/messages/:id/reactions", "GET /contact/v3/users/:id"] as const;

/** Of the retries after 15 seconds, 5 minutes, an hour and 6 hours: a quarter of a second, 5 seconds, a minute and 6. */
const PATIENT_CLOCK = 60;

/** Feishu, over the long connection or by callbacks. */
export async function startFeishu({
  calls = false,
  isPatient = false,
}: ServerOptions = {}): Promise<ChatServer> {
  const keys = { encryptKey: "encrypt-key", verificationToken: "verification-token" };
  const pace = isPatient ? { clock: PATIENT_CLOCK } : { redeliverAfterMs: 1_000 };
  const fake = startFakeFeishu({ ...keys, ...pace });
  const personId = (person: number) => `ou_person${person}`;
  const chatOf = (where: number | "group") => (where === "group" ? GROUP : `oc_p2p_person${where}`);
  return {
    platform: "feishu",
    settings: {
      app_id: fake.appId,
      app_secret: fake.appSecret,
      encrypt_key: keys.encryptKey,
      verification_token: keys.verificationToken,
      ...(calls ? { mode: "webhook" } : {}),
      api_base: fake.apiBase,
    },
    personId,
    groupId: GROUP,
    write(person, text, { group = false, mention = true } = {}) {
      const place = group ? { chat: GROUP, mention } : {};
      const written = fake.write({ text, user: personId(person), ...place });
      return { redeliver: () => fake.again(written), fate: () => fake.fate(written) };
    },
    shown: (where) => fake.sent(chatOf(where)).map(fake.read),
    get edits() {
      return EDITS.reduce((sum, route) => sum + fake.calls(route).length, 0);
    },
    typings: 0,
    failSends(failure, times = 1) {
      for (const route of SENDS) fake.fail(route, toFailure(failure), times);
    },
    failEdits(failure, times = 1) {
      for (const route of EDITS) fake.fail(route, toFailure(failure), times);
    },
    failOptionalCalls() {
      for (const route of OPTIONAL) fake.fail(route, { code: 99991672, msg: "Access denied." });
    },
    sendTo: fake.sendTo,
    drop: fake.drop,
    refuseConnections(ms) {
      fake.refuseUpgrades(ms);
      fake.drop();
    },
    get connections() {
      return fake.connections;
    },
    revoke: fake.revoke,
    isIdempotent: true,
    length: (text) => Buffer.byteLength(text),
    maxLength: 15 * 1024,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

function toFailure(failure: SendFailure) {
  if (failure.kind === "unavailable") return { status: 502, page: "bad gateway" };
  if (failure.kind === "refused") return { code: 230013, msg: "Bot has NO availability to this user." };
  const seconds = String(Math.ceil(failure.retryAfterMs / 1000));
  return { code: 99991400, status: 429, headers: { "x-ogw-ratelimit-reset": seconds } };
}
