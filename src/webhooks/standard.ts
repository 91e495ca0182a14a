import { AppError } from "../lib/errors.ts";
import { hmac } from "../lib/hmac.ts";
import { sameSecret } from "../lib/secrets.ts";
import { isTimely } from "../lib/signed-time.ts";
import type { Scheme, SchemeName, SignedRequest, Verdict } from "./contract.ts";
import { assertSignedId, isSignedId } from "./signed-id.ts";
import { secondsText } from "./time-text.ts";
import { accepted, headerOf, MAX_SIGNATURES, refused, usableSecrets } from "./verdict.ts";

/** How secrets that are Base64 begin. */
const SECRET_PREFIX = "whsec_";
/** `v1` is HMAC-SHA256; others, such as `v1a` (ed25519), may stand beside it. */
const SIGNATURE = /^v\d+[a-z]*,[A-Za-z0-9+/]+={0,2}$/;

/** Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md). */
export const STANDARD = withSignedId("standard", "webhook");

/** What Svix sends: the same under other names (docs.svix.com/receiving/verifying-payloads/how-manual). */
export const SVIX = withSignedId("svix", "svix");

/** Signs `{id}.{seconds}.{body}`; the header lists one signature for each secret in use, parted by spaces. */
function withSignedId(name: SchemeName, prefix: string): Scheme {
  const headers = { id: `${prefix}-id`, time: `${prefix}-timestamp`, signatures: `${prefix}-signature` };
  return {
    name,
    headers: [headers.signatures],
    verify: (request, secrets, nowMs) => verify(request, headers, secrets, nowMs),
    sign(body, secret, { id, nowMs }) {
      assertSignedId(id);
      const key = keyOf(secret);
      if (key === null)
        throw new AppError("usage", `A secret that begins with ${SECRET_PREFIX} must go on in Base64.`);
      const time = secondsText(nowMs);
      return {
        [headers.id]: id,
        [headers.time]: time,
        [headers.signatures]: signature(key, id, time, body),
      };
    },
  };
}

function verify(
  { headers, body }: SignedRequest,
  names: { id: string; time: string; signatures: string },
  secrets: readonly string[],
  nowMs: number,
): Verdict {
  const given = headerOf(headers, names.signatures)?.split(" ");
  const id = headerOf(headers, names.id);
  const time = headerOf(headers, names.time);
  if (given === undefined || id === null || time === null) return refused("a header is missing");
  const isWellFormed = given.length <= MAX_SIGNATURES && given.every((one) => SIGNATURE.test(one));
  if (!isWellFormed || !isSignedId(id) || !/^\d{1,11}$/.test(time)) return refused("a header is malformed");
  const atMs = Number(time) * 1000;
  if (!isTimely(atMs, nowMs)) return refused("it was signed too long ago, or ahead of our clock");
  const keys = usableSecrets(secrets).flatMap((secret) => keyOf(secret) ?? []);
  if (keys.length === 0) return refused("there is no usable secret");
  const isSigned = keys.some((key) => {
    const expected = signature(key, id, time, body);
    return given.some((one) => sameSecret(one, expected));
  });
  return isSigned ? accepted(id, atMs) : refused("the signature is wrong");
}

function signature(key: string | Uint8Array, id: string, time: string, body: Uint8Array): string {
  return `v1,${hmac("sha256", key, "base64", `${id}.${time}.`, body)}`;
}

/** The bytes that a secret stands for; null for Base64 that is none. A secret without the prefix is its own text. */
function keyOf(secret: string): string | Uint8Array | null {
  if (!secret.startsWith(SECRET_PREFIX)) return secret;
  const text = secret.slice(SECRET_PREFIX.length);
  const key = Buffer.from(text, "base64");
  const unpadded = (base64: string) => base64.replace(/=+$/, "");
  return key.length > 0 && unpadded(key.toString("base64")) === unpadded(text) ? key : null;
}
