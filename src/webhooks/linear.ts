import { AppError } from "../lib/errors.ts";
import { canonicalJson } from "../lib/json.ts";
import { digest } from "../lib/secrets.ts";
import { isTimely } from "../lib/signed-time.ts";
import type { Scheme } from "./contract.ts";
import { hmacScheme } from "./hmac-scheme.ts";
import { objectIn } from "./signed-body.ts";
import { accepted, refused } from "./verdict.ts";

const signedBody = hmacScheme({
  name: "linear",
  header: "linear-signature",
  prefix: "",
  algorithm: "sha256",
  encoding: "hex",
  content: "{body}",
});

/**
 * Linear (linear.app/developers/webhooks) signs the body, which holds the time of the attempt: `webhookTimestamp`, in
 * milliseconds. `Linear-Delivery` is not signed. A repetition has another time in the same event, so that the event without it
 * is what names the delivery.
 */
export const LINEAR: Scheme = {
  ...signedBody,
  verify(request, secrets, nowMs) {
    const verdict = signedBody.verify(request, secrets, nowMs);
    if (!verdict.ok) return verdict;
    const { webhookTimestamp: atMs, ...event } = objectIn(request.body) ?? {};
    if (typeof atMs !== "number") return refused("the body does not say when it was sent");
    if (!isTimely(atMs, nowMs)) return refused("it was signed too long ago, or ahead of our clock");
    return accepted(Buffer.from(digest(canonicalJson(event))).toString("hex"), atMs);
  },
  sign(body, secret, parts) {
    if (typeof objectIn(body)?.["webhookTimestamp"] !== "number")
      throw new AppError("usage", "Linear signs the time as a part of the body.", {
        hint: "Put `webhookTimestamp` into the JSON object, in milliseconds since 1970.",
      });
    return signedBody.sign(body, secret, parts);
  },
};
