import { AppError } from "../lib/errors.ts";
import { type HmacAlgorithm, type HmacEncoding, hmac } from "../lib/hmac.ts";
import { sameSecret } from "../lib/secrets.ts";
import { isTimely } from "../lib/signed-time.ts";
import type { Scheme, SchemeName, SignedRequest, SigningParts, Verdict } from "./contract.ts";
import { isOthersContent } from "./others-content.ts";
import { assertSignedId, isSignedId } from "./signed-id.ts";
import { parseTimeText, secondsText } from "./time-text.ts";
import { accepted, headerOf, refused, usableSecrets } from "./verdict.ts";

/** What a scheme with one HMAC in one header is made of. Names of headers are in lower case. */
export interface HmacForm {
  name: SchemeName;
  header: string;
  /** Stands in the header before the HMAC. */
  prefix: string;
  algorithm: HmacAlgorithm;
  encoding: HmacEncoding;
  /** What is signed: `{body}`, and around it any text, `{timestamp}`, `{id}` and `{url}`. */
  content: string;
  timestampHeader?: string;
  idHeader?: string;
  /** Finds the id that the sender wrote into the body it signed. */
  idInBody?(body: Uint8Array): string | null;
}

/** What is signed, by the names of the placeholders; absent where the content has no such placeholder. */
interface Fields {
  body: Uint8Array;
  timestamp?: string | undefined;
  id?: string | undefined;
  url?: string | undefined;
}

const PLACEHOLDER = /\{(body|timestamp|id|url)\}/;

/** A scheme that signs with one HMAC in one header. The header is compared as a whole: only one spelling of it is right. */
export function hmacScheme(form: HmacForm): Scheme {
  // Splitting by a pattern with a group: text and names of placeholders by turns.
  const parts = form.content.split(PLACEHOLDER);
  const signs = (field: keyof Fields) => parts.some((part, i) => i % 2 === 1 && part === field);
  const signature = (secret: string, fields: Fields) => {
    const content = parts.map((part, i) => (i % 2 === 0 ? part : (fields[part as keyof Fields] ?? "")));
    return form.prefix + hmac(form.algorithm, secret, form.encoding, ...content);
  };
  const signer: Signer = { form, signs, signature };
  return {
    name: form.name,
    headers: [form.header],
    verify: (request, secrets, nowMs) => verify(signer, request, secrets, nowMs),
    sign: (body, secret, signing) => sign(signer, body, secret, signing),
  };
}

interface Signer {
  form: HmacForm;
  /** True when the content has this placeholder. */
  signs(field: keyof Fields): boolean;
  /** The header as it must be. */
  signature(secret: string, fields: Fields): string;
}

function verify(signer: Signer, request: SignedRequest, secrets: readonly string[], nowMs: number): Verdict {
  const { form, signs } = signer;
  const { headers, body, url } = request;
  const read = (name: string | undefined) => (name === undefined ? null : headerOf(headers, name));
  const given = read(form.header);
  const timestamp = signs("timestamp") ? read(form.timestampHeader) : undefined;
  const id = signs("id") ? read(form.idHeader) : undefined;
  if (given === null || timestamp === null || id === null) return refused("a header is missing");
  if (id !== undefined && !isSignedId(id)) return refused("a header is malformed");
  const atMs = timestamp === undefined ? null : parseTimeText(timestamp);
  if (atMs !== null && !isTimely(atMs, nowMs))
    return refused("it was signed too long ago, ahead of our clock, or at no time at all");
  if (signs("url") && url === undefined) return refused("the address that senders call is not configured");
  if (form.content === "{body}" && isOthersContent(body))
    return refused("the body is what another scheme signs");
  const usable = usableSecrets(secrets);
  if (usable.length === 0) return refused("there is no usable secret");
  const fields = { body, timestamp, id, url };
  if (!usable.some((secret) => sameSecret(given, signer.signature(secret, fields))))
    return refused("the signature is wrong");
  return accepted(id ?? form.idInBody?.(body) ?? null, atMs);
}

function sign(
  { form, signs, signature }: Signer,
  body: Uint8Array,
  secret: string,
  { id, nowMs, url }: SigningParts,
): Record<string, string> {
  const timestamp = secondsText(nowMs);
  if (signs("id")) assertSignedId(id);
  if (signs("url") && url === undefined)
    throw new AppError("usage", "This scheme signs the address too.", {
      hint: "Say where the request goes.",
    });
  return {
    ...(signs("id") && form.idHeader !== undefined && { [form.idHeader]: id }),
    ...(signs("timestamp") && form.timestampHeader !== undefined && { [form.timestampHeader]: timestamp }),
    [form.header]: signature(secret, { body, timestamp, id, url }),
  };
}
