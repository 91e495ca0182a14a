import fc from "fast-check";
import { hmac } from "../../src/lib/hmac.ts";
import type { SignedRequest, Verdict } from "../../src/webhooks/contract.ts";
import { judge, NOW_MS, SENDERS, type Sender, signed } from "./senders.ts";

/** A request that must not be taken, by its kind, with the clock and the secrets of the one who looks at it. */
export interface Forgery {
  kind: string;
  sender: Sender;
  genuine: SignedRequest;
  request: SignedRequest;
  nowMs: number;
  secrets: string[];
}

/** What a forger has: a genuine request and the next one of the same sender, numbers to choose by, and any text. */
interface Hand {
  sender: Sender;
  genuine: SignedRequest;
  next: SignedRequest;
  /** One of so many. */
  choose(count: number): number;
  text: string;
}

/** Null where it would change nothing of what the scheme covers. */
type Forge = (hand: Hand) => Partial<Pick<Forgery, "request" | "nowMs" | "secrets">> | null;

/** Changes the body, where the scheme covers it. */
const inBody =
  (change: (body: Buffer, hand: Hand) => Uint8Array | string): Forge =>
  (hand) => {
    if (!hand.sender.signsBody) return null;
    const body = Buffer.from(change(Buffer.from(hand.genuine.body), hand));
    return body.equals(hand.genuine.body) ? null : { request: { ...hand.genuine, body } };
  };

/** Changes one header of the scheme; undefined takes it away. */
const inHeader =
  (change: (value: string, hand: Hand, name: string) => string | undefined): Forge =>
  (hand) => {
    const { "content-type": type = "", ...own } = hand.genuine.headers;
    const names = Object.keys(own);
    const name = names[hand.choose(names.length)] ?? "";
    const { [name]: value = "", ...rest } = own;
    const changed = change(value, hand, name);
    if (changed === value) return null;
    const headers = { "content-type": type, ...rest, ...(changed !== undefined && { [name]: changed }) };
    return { request: { ...hand.genuine, headers } };
  };

const replaceAt = (text: string, at: number, by: string) => text.slice(0, at) + by + text.slice(at + 1);
const swapCase = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
const SPELLINGS: readonly ((value: string) => string)[] = [
  (value) => value.toUpperCase(),
  swapCase,
  encodeURIComponent,
  (value) => value.replaceAll("+", "-").replaceAll("/", "_"),
  (value) => value.replace(/=+$/, ""),
  (value) => `"${value}"`,
  (value) => ` ${value}`,
  (value) => `${value} `,
  (value) => `${value},`,
  (value) => value.replace(/[0-9a-f]{40,}/, (hex) => Buffer.from(hex, "hex").toString("base64")),
  (value) => value.replace(/[A-Za-z0-9+/]{27,}=*/, (text) => Buffer.from(text, "base64").toString("hex")),
  (value) => Buffer.from(value).toString("base64"),
  (value) => value.replace(/^(sha256|sha1|v0|v1|t)\b/, "v9"),
  (value) => value.replace(/^(sha256=|sha1=|v0=|v1,)/, ""),
];

/** By what they do. Every key of a scheme's request is a target of some. */
const FORGE: Readonly<Record<string, Forge>> = {
  "a byte of the body is another": inBody((body, { choose }) => {
    const at = choose(body.length);
    body[at] = (body[at] ?? 0) ^ (1 + choose(255));
    return body;
  }),
  "a byte of the body is gone": inBody((body, { choose }) => {
    const at = choose(body.length);
    return Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]);
  }),
  "the body has a byte more": inBody((body, { choose }) => {
    const at = choose(body.length + 1);
    return Buffer.concat([body.subarray(0, at), Buffer.from([choose(256)]), body.subarray(at)]);
  }),
  "the body begins with a byte order mark": inBody((body) => `\uFEFF${body}`),
  "the body is empty": inBody(() => ""),
  "the body is another event's": inBody((_, { next }) => next.body),
  "the body is any text": inBody((_, { text }) => text),
  "a character of a header is another": inHeader((value, { choose }) =>
    replaceAt(value, choose(value.length), String.fromCharCode(33 + choose(94))),
  ),
  "a character of a header is gone": inHeader((value, { choose }) =>
    replaceAt(value, choose(value.length), ""),
  ),
  "a header is missing": inHeader(() => undefined),
  "a header is blank": inHeader((_, { choose }) => " ".repeat(choose(3))),
  "a header came twice": inHeader((value) => `${value}, ${value}`),
  "a header came twice, once another event's": inHeader((value, { next, choose }, name) => {
    const other = next.headers[name] ?? "";
    return choose(2) === 0 ? `${value}, ${other}` : `${other}, ${value}`;
  }),
  "a header is another event's": inHeader((_, { next }, name) => next.headers[name]),
  "a header is spelt otherwise": inHeader((value, { choose }) =>
    SPELLINGS[choose(SPELLINGS.length)]?.(value),
  ),
  "a header is any text": inHeader((_, { text }) => text),
  "every header is missing": ({ genuine }) => ({ request: { ...genuine, headers: {} } }),
  "it is older than five minutes": ({ sender, choose }) =>
    sender.signsTime ? { nowMs: NOW_MS + 301_000 + choose(10 ** 9) } : null,
  "it is ahead by more than five minutes": ({ sender, choose }) =>
    sender.signsTime ? { nowMs: NOW_MS - 301_000 - choose(10 ** 9) } : null,
  "it is old, and its time is made new": (hand) => {
    const nowMs = NOW_MS + 301_000 + hand.choose(10 ** 6) * 1000;
    const redate = (value: string) => value.replace(String(NOW_MS / 1000), String(nowMs / 1000));
    const { genuine, sender } = hand;
    const headers = Object.fromEntries(
      Object.entries(genuine.headers).map(([name, value]) => [name, redate(value)]),
    );
    return sender.signsTime ? { nowMs, request: { ...genuine, headers } } : null;
  },
  "there is no secret": () => ({ secrets: [] }),
  "the secret is blank": ({ genuine, sender, choose }) => {
    const blank = " ".repeat(choose(3));
    const parts = { id: "msg_1", nowMs: NOW_MS, url: sender.url ?? "" };
    const headers = { ...genuine.headers, ...sender.scheme.sign(genuine.body, blank, parts) };
    return { secrets: [blank], request: { ...genuine, headers } };
  },
  "the secret is another": ({ sender, choose }) => ({
    secrets: [
      [sender.secret.slice(1), sender.secret.slice(0, -3), `${sender.secret}A`, ` ${sender.secret}`][
        choose(4)
      ] ?? "",
      "quite another one",
    ],
  }),
  "the address is another": ({ genuine }) =>
    genuine.url === undefined ? null : { request: { ...genuine, url: genuine.url.replace("7", "8") } },
  "the address is not known": ({ genuine: { url, ...request } }) => (url === undefined ? null : { request }),
  "another scheme signed it with the same secret": otherSchemes,
};

/** How the schemes write a signature that take a body which begins like what other schemes sign. */
const TAKERS: Partial<Record<string, string>> = {
  hermes: "sha256=",
  github: "sha256=",
  linear: "",
  stripe: `t=${NOW_MS / 1000},v1=`,
};

/** Makes a request of what Standard Webhooks, Slack or Stripe sign, for a scheme that signs the body alone, or nearly. */
function otherSchemes({ sender, genuine, choose }: Hand): ReturnType<Forge> {
  const prefix = TAKERS[sender.name];
  if (prefix === undefined) return null;
  const seconds = NOW_MS / 1000;
  const own = sender.name === "stripe" ? `${seconds}.` : "";
  const body = Buffer.from(
    [`msg_1.${seconds}.`, `v0:${seconds}:`, `${seconds}.`][choose(3)] + genuine.body.toString(),
  );
  const signature = hmac("sha256", sender.secret, "hex", own, body);
  const [header = ""] = sender.scheme.headers;
  return { request: { headers: { ...genuine.headers, [header]: prefix + signature }, body } };
}

/** Forged requests of every kind against every scheme. */
export const forgery: fc.Arbitrary<Forgery> = fc
  .record({
    sender: fc.constantFrom(...SENDERS),
    kind: fc.constantFrom(...Object.keys(FORGE)),
    n: fc.nat(1000),
    choices: fc.tuple(fc.nat(), fc.nat(), fc.nat()),
    text: fc.string({ unit: "binary", maxLength: 120 }),
  })
  .map(({ sender, kind, n, choices, text }) => {
    const genuine = signed(sender, n);
    const next = signed(sender, n + 1, NOW_MS + 1000);
    const left = [...choices];
    const choose = (count: number) => (left.pop() ?? 0) % count;
    const forged = FORGE[kind]?.({ sender, genuine, next, choose, text }) ?? null;
    return forged === null
      ? null
      : { kind, sender, genuine, request: genuine, nowMs: NOW_MS, secrets: [sender.secret], ...forged };
  })
  .filter((one) => one !== null);

/** How many kinds there are. */
export const FORGERY_KINDS = Object.keys(FORGE).length;

/**
 * True when a forged request would be taken for a new event. Twilio signs neither the order nor the escapes of a form: what
 * says the same in other bytes is signed, and has to be the same delivery.
 */
export function isTaken({ sender, genuine, request, nowMs, secrets }: Forgery): boolean {
  const verdict = judge(sender, request, { nowMs, secrets });
  if (!verdict.ok) return false;
  return sender.scheme.name !== "twilio" || verdict.deliveryId !== idOf(judge(sender, genuine));
}

function idOf(verdict: Verdict): string | null {
  return verdict.ok ? verdict.deliveryId : null;
}
