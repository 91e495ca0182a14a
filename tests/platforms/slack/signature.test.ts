import { describe, expect, test } from "bun:test";
import { isValidSlackRequest } from "@slack/bolt";
import fc from "fast-check";
import { isFromSlack } from "../../../src/platforms/slack/signature.ts";
import { signatureOf } from "../../fakes/slack/index.ts";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const BODY =
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const AT_S = 1531420618;

/** What we say and what Slack's own framework says of a request. */
function judged(given: { body: string; signature: string; timestamp: string; secret: string; nowS: number }) {
  const { body, signature, timestamp, secret, nowS } = given;
  const headers = { "x-slack-signature": signature, "x-slack-request-timestamp": timestamp };
  const bytes = new TextEncoder().encode(body);
  const ours = isFromSlack({ headers, body: bytes, receivedAtMs: nowS * 1000 }, secret);
  const theirs = isValidSlackRequest({
    signingSecret: secret,
    body,
    headers: { "x-slack-signature": signature, "x-slack-request-timestamp": Number(timestamp) },
    nowMilliseconds: nowS * 1000,
  });
  return { ours, theirs };
}

describe("the signature", () => {
  test("of the example in Slack's documentation", () => {
    const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const given = { body: BODY, signature, timestamp: String(AT_S), secret: SECRET, nowS: AT_S + 20 };
    expect(judged(given)).toEqual({ ours: true, theirs: true });
    expect(signatureOf(SECRET, String(AT_S), BODY)).toBe(signature);
    expect(judged({ ...given, body: `${BODY}&` })).toEqual({ ours: false, theirs: false });
    expect(judged({ ...given, nowS: AT_S + 301 })).toEqual({ ours: false, theirs: false });
  });

  test("agrees with Slack's own framework on whatever is signed, and on what is changed afterwards", () => {
    const given = fc.record({
      body: fc.string({ unit: "grapheme" }),
      secret: fc.string({ minLength: 1 }).filter((text) => text.trim() !== ""),
      ageS: fc.integer({ min: 0, max: 600 }),
      change: fc.constantFrom("nothing", "body", "secret", "timestamp", "signature"),
    });
    fc.assert(
      fc.property(given, ({ body, secret, ageS, change }) => {
        const timestamp = String(AT_S - ageS);
        const signed = {
          body,
          secret,
          timestamp,
          nowS: AT_S,
          signature: signatureOf(secret, timestamp, body),
        };
        const { signature } = signed;
        const last = signature.endsWith("0") ? "1" : "0";
        const changes = {
          nothing: {},
          body: { body: `${body}x` },
          secret: { secret: `${secret}x` },
          timestamp: { timestamp: String(AT_S - ageS - 1) },
          signature: { signature: `${signature.slice(0, -1)}${last}` },
        };
        const { ours, theirs } = judged({ ...signed, ...changes[change] });
        expect(ours).toBe(theirs);
        expect(ours).toBe(change === "nothing" && ageS <= 300);
      }),
      { numRuns: 500 },
    );
  });
});
