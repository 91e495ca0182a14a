import { Value } from "typebox/value";
import { webhookSignature } from "../../src/config/webhook-schemes.ts";
import type { Scheme, SignedRequest, Verdict } from "../../src/webhooks/contract.ts";
import { genericScheme } from "../../src/webhooks/generic.ts";
import { schemeOf } from "../../src/webhooks/schemes.ts";

/** A time like any other. */
export const NOW_MS = 1_764_000_000_000;

/** One who sends webhooks by a scheme, and what of a request the scheme covers. */
export interface Sender {
  name: string;
  scheme: Scheme;
  secret: string;
  url?: string;
  contentType: string;
  /** The body of the nth event. */
  body(n: number, atMs: number): string;
  signsBody: boolean;
  signsTime: boolean;
}

const json = { contentType: "application/json", signsBody: true, signsTime: true };
const event = (n: number) =>
  JSON.stringify({ id: `evt_${n}`, event_id: `Ev${n}`, type: "paid", text: "Grüße, 你好" });
const whsec = `whsec_${Buffer.from("a key of thirty-two bytes, or so").toString("base64")}`;
const url = "https://hooks.example.com/webhook/sms?tenant=7";

function generic(settings: Record<string, unknown>): Scheme {
  return genericScheme(Value.Parse(webhookSignature, settings));
}

/** All schemes, the generic one in several forms. */
export const SENDERS: readonly Sender[] = [
  {
    ...json,
    name: "hermes",
    scheme: schemeOf("hermes"),
    secret: "hermes-secret",
    body: event,
    signsTime: false,
  },
  {
    ...json,
    name: "standard",
    scheme: schemeOf("standard"),
    secret: "a secret that is its own text",
    body: event,
  },
  { ...json, name: "standard with whsec_", scheme: schemeOf("standard"), secret: whsec, body: event },
  { ...json, name: "svix", scheme: schemeOf("svix"), secret: whsec, body: event },
  {
    ...json,
    name: "github",
    scheme: schemeOf("github"),
    secret: "github-secret",
    body: event,
    signsTime: false,
  },
  {
    ...json,
    name: "gitlab",
    scheme: schemeOf("gitlab"),
    secret: "gitlab-token",
    body: event,
    signsBody: false,
    signsTime: false,
  },
  { ...json, name: "stripe", scheme: schemeOf("stripe"), secret: "whsec_stripe0secret", body: event },
  {
    ...json,
    name: "slack",
    scheme: schemeOf("slack"),
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    body: event,
  },
  {
    ...json,
    name: "linear",
    scheme: schemeOf("linear"),
    secret: "lin_wh_secret",
    body: (n, atMs) => JSON.stringify({ action: "create", data: { id: String(n) }, webhookTimestamp: atMs }),
  },
  {
    ...json,
    name: "twilio",
    scheme: schemeOf("twilio"),
    secret: "twilio-auth-token",
    url,
    contentType: "application/x-www-form-urlencoded",
    body: (n) => `MessageSid=SM${n}&From=%2B14158675309&Body=Gr%C3%BC%C3%9Fe%2C+all&To=%2B18005551212`,
    signsTime: false,
  },
  {
    ...json,
    name: "generic, body only",
    scheme: generic({ header: "X-Signature", encoding: "base64", algorithm: "sha512" }),
    secret: "generic-secret",
    body: event,
    signsTime: false,
  },
  {
    ...json,
    name: "generic, all fields",
    scheme: generic({
      header: "X-Sig",
      prefix: "sha1=",
      algorithm: "sha1",
      content: "{url}|{id}|{timestamp}|{body}",
      timestamp_header: "X-Time",
      id_header: "X-Id",
    }),
    secret: "generic-secret",
    url,
    body: event,
  },
];

/** The nth event of a sender, as it arrives. */
export function signed(sender: Sender, n = 1, atMs = NOW_MS): SignedRequest {
  const { scheme, secret, contentType, url } = sender;
  const body = Buffer.from(sender.body(n, atMs));
  const parts = { id: `msg_${n}`, nowMs: atMs, ...(url !== undefined && { url }) };
  const headers = { "content-type": contentType, ...scheme.sign(body, secret, parts) };
  return { headers, body, ...(url !== undefined && { url }) };
}

/** What a receiver that shares the sender's secret says of a request. */
export function judge(
  sender: Sender,
  request: SignedRequest,
  { nowMs = NOW_MS, secrets = [sender.secret] } = {},
): Verdict {
  return sender.scheme.verify(request, secrets, nowMs);
}

export function senderOf(name: string): Sender {
  const sender = SENDERS.find((one) => one.name === name);
  if (sender === undefined) throw new Error(`there is no sender ${name}`);
  return sender;
}

/** The request with some of its headers replaced. */
export function withHeaders(request: SignedRequest, headers: Record<string, string>): SignedRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}
