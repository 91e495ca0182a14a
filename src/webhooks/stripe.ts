import { hmac } from "../lib/hmac.ts";
import { sameSecret } from "../lib/secrets.ts";
import { isTimely } from "../lib/signed-time.ts";
import type { Scheme } from "./contract.ts";
import { isOthersContent } from "./others-content.ts";
import { idIn } from "./signed-body.ts";
import { secondsText } from "./time-text.ts";
import { accepted, headerOf, MAX_SIGNATURES, refused, usableSecrets } from "./verdict.ts";

const HEADER = "stripe-signature";

/**
 * Stripe (docs.stripe.com/webhooks/signature): `t={seconds},v1={hex},...`, one `v1` for each secret in use; `v0` and others
 * mean nothing. The body of a repetition differs from the first one (`pending_webhooks`): the id in it names the event.
 */
export const STRIPE: Scheme = {
  name: "stripe",
  headers: [HEADER],
  verify({ headers, body }, secrets, nowMs) {
    const header = headerOf(headers, HEADER);
    if (header === null) return refused("a header is missing");
    const signed = parseHeader(header);
    if (signed === null) return refused("a header is malformed");
    const { time, signatures } = signed;
    const atMs = Number(time) * 1000;
    if (!isTimely(atMs, nowMs)) return refused("it was signed too long ago, or ahead of our clock");
    if (isOthersContent(body)) return refused("the body is what another scheme signs");
    const usable = usableSecrets(secrets);
    if (usable.length === 0) return refused("there is no usable secret");
    const isSigned = usable.some((secret) => {
      const expected = signature(secret, time, body);
      return signatures.some((one) => sameSecret(one, expected));
    });
    return isSigned ? accepted(idIn(body, "id"), atMs) : refused("the signature is wrong");
  },
  sign(body, secret, { nowMs }) {
    const time = secondsText(nowMs);
    return { [HEADER]: `t=${time},v1=${signature(secret, time, body)}` };
  },
};

function signature(secret: string, time: string, body: Uint8Array): string {
  return hmac("sha256", secret, "hex", `${time}.`, body);
}

/** Null for a header that is not one time and at least one signature: a second time could be another request's. */
function parseHeader(header: string): { time: string; signatures: string[] } | null {
  const elements = header.split(",").map((element) => /^([a-z0-9]{1,8})=([0-9a-f]+)$/.exec(element));
  if (elements.length > MAX_SIGNATURES || elements.includes(null)) return null;
  const valuesOf = (name: string) =>
    elements.flatMap((element) => (element?.[1] === name ? (element[2] ?? []) : []));
  const [time = "", ...moreTimes] = valuesOf("t");
  const signatures = valuesOf("v1");
  const isWhole = /^\d{1,11}$/.test(time) && moreTimes.length === 0 && signatures.length > 0;
  return isWhole ? { time, signatures } : null;
}
