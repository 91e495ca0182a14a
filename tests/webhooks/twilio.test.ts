import { describe, expect, test } from "bun:test";
import { digest } from "../../src/lib/secrets.ts";
import { judge, senderOf, signed, withHeaders } from "./senders.ts";

describe("Twilio", () => {
  const twilio = senderOf("twilio");
  const request = signed(twilio);

  test("a form in another order and with other escapes is the same delivery", () => {
    const body = Buffer.from(
      "To=%2b18005551212&Body=Gr%c3%bc%C3%9Fe,%20all&MessageSid=SM1&From=%2B14158675309",
    );
    expect(judge(twilio, { ...request, body })).toEqual(judge(twilio, request));
  });

  test("the address counts with and without its port", () => {
    const sign = (url: string) => signed({ ...twilio, url }).headers;
    const takes = (headers: Record<string, string>, url: string) =>
      judge(twilio, { ...request, headers, url }).ok;
    const bare = "https://example.com/sms";
    expect(takes(sign(bare), "https://example.com:443/sms")).toBe(true);
    expect(takes(sign(bare), "https://example.com:8443/sms")).toBe(true);
    expect(takes(sign("https://example.com:8443/sms"), "https://example.com:8443/sms")).toBe(true);
    expect(takes(sign("https://example.com:8443/sms"), "https://example.com:9443/sms")).toBe(false);
    expect(takes(sign(bare), "https://example.com/SMS")).toBe(false);
    expect(takes(sign(bare), "no address")).toBe(false);
  });

  test("a body that is neither a form nor hashed in the address is refused", () => {
    const json = withHeaders(request, { "content-type": "application/json" });
    expect(judge(twilio, json).ok).toBe(false);
    const body = Buffer.from("{}");
    const hash = Buffer.from(digest(body)).toString("hex");
    const url = (value: string) => `https://example.com/sms?bodySHA256=${value}`;
    const headers = twilio.scheme.sign(body, twilio.secret, { id: "", nowMs: 0, url: url(hash) });
    expect(judge(twilio, { headers, body, url: url(hash) }).ok).toBe(true);
    expect(judge(twilio, { headers, body: Buffer.from("{} "), url: url(hash) }).ok).toBe(false);
    expect(judge(twilio, { headers, body, url: url("") }).ok).toBe(false);
    expect(() => twilio.scheme.sign(body, twilio.secret, { id: "", nowMs: 0, url: url("00") })).toThrow(
      "Twilio signs",
    );
    expect(() => twilio.scheme.sign(body, twilio.secret, { id: "", nowMs: 0 })).toThrow("Twilio signs");
  });

  test("a form is read in a time that grows with its length only, because strangers can send one", () => {
    const names = Array.from({ length: 200_000 }, (_, i) => i.toString(36));
    const large = { ...request, body: Buffer.from(names.join("&")) };
    expect(judge(twilio, large).ok).toBe(false);
    const body = Buffer.from(names.slice(0, 9_000).join("=&"));
    const headers = twilio.scheme.sign(body, twilio.secret, { id: "", nowMs: 0, url: String(twilio.url) });
    expect(judge(twilio, { ...request, body, headers: { ...request.headers, ...headers } }).ok).toBe(true);
  });

  test("a key of a Webhooks Rule signs by SHA-256", () => {
    const content = `${twilio.url}BodyhiToyou`;
    const signature = new Bun.CryptoHasher("sha256", twilio.secret).update(content).digest("base64");
    const signedBySha256 = { ...request, body: Buffer.from("To=you&Body=hi") };
    expect(judge(twilio, withHeaders(signedBySha256, { "x-twilio-signature": signature })).ok).toBe(true);
  });
});
