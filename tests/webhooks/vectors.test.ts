import { describe, expect, test } from "bun:test";
import type { SchemeName } from "../../src/webhooks/contract.ts";
import { schemeOf } from "../../src/webhooks/schemes.ts";

const TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const call = (number: string) =>
  `Digits=1234&To=%2B18005551212&From=%2B${number}&Caller=%2B${number}&CallSid=CA1234567890ABCDE`;

interface Vector {
  scheme: Exclude<SchemeName, "generic">;
  /** Where it is published. */
  from: string;
  secret: string;
  body: string;
  atS?: number;
  id?: string;
  url?: string;
  headers: Record<string, string>;
}

const VECTORS: readonly Vector[] = [
  {
    scheme: "github",
    from: "docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    secret: "It's a Secret to Everybody",
    body: "Hello, World!",
    headers: {
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
  },
  {
    scheme: "slack",
    from: "docs.slack.dev/authentication/verifying-requests-from-slack",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    atS: 1531420618,
    headers: {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    },
  },
  {
    scheme: "standard",
    from: "the tests of the reference libraries of Standard Webhooks",
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    body: '{"test": 2432232314}',
    atS: 1614265330,
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
  },
  {
    scheme: "svix",
    from: "docs.svix.com/receiving/verifying-payloads/how-manual",
    secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
    body: '{"event_type":"ping","data":{"success":true}}',
    atS: 1731705121,
    id: "msg_loFOjxBNrRLzqYUf",
    headers: {
      "svix-id": "msg_loFOjxBNrRLzqYUf",
      "svix-timestamp": "1731705121",
      "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    },
  },
  {
    scheme: "twilio",
    from: "twilio.com/docs/usage/security#validating-requests",
    secret: "12345",
    body: call("12349013030"),
    url: TWILIO_URL,
    headers: { ...FORM, "x-twilio-signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ=" },
  },
  {
    scheme: "twilio",
    from: "the tests of Twilio's own libraries",
    secret: "12345",
    body: call("14158675309"),
    url: TWILIO_URL,
    headers: { ...FORM, "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=" },
  },
  {
    scheme: "twilio",
    from: "the same: a name that comes several times",
    secret: "12345",
    body: "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
    url: TWILIO_URL,
    headers: { ...FORM, "x-twilio-signature": "IK+Dwps556ElfBT0I3Rgjkr1wJU=" },
  },
  {
    scheme: "twilio",
    from: "the same: a body that is no form",
    secret: "12345",
    body: '{"property": "value", "boolean": true}',
    url: `${TWILIO_URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620`,
    headers: { "content-type": "application/json", "x-twilio-signature": "a9nBmqA0ju/hNViExpshrM61xv4=" },
  },
];

describe("what others publish as signed", () => {
  for (const { scheme: name, from, secret, body: text, atS = 0, id = "none", url, headers } of VECTORS)
    test(`${name}: ${from}`, () => {
      const scheme = schemeOf(name);
      const body = Buffer.from(text);
      const address = url === undefined ? {} : { url };
      const made = scheme.sign(body, secret, { id, nowMs: atS * 1000, ...address });
      expect({ ...headers, ...made }).toEqual(headers);
      expect(scheme.verify({ headers, body, ...address }, [secret], atS * 1000 + 20_000).ok).toBe(true);
      const other = Buffer.from(`${text} `);
      expect(scheme.verify({ headers, body: other, ...address }, [secret], atS * 1000).ok).toBe(false);
    });
});
