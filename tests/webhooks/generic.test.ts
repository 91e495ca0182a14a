import { describe, expect, test } from "bun:test";
import { Value } from "typebox/value";
import { webhookSignature } from "../../src/config/webhook-schemes.ts";
import { genericScheme } from "../../src/webhooks/generic.ts";
import { NOW_MS } from "./senders.ts";

describe("a described scheme", () => {
  const generic = (settings: Record<string, unknown>) =>
    genericScheme(Value.Parse(webhookSignature, settings));
  const body = Buffer.from('{"id":1}');
  const mac = (text: string, encoding: "hex" | "base64") =>
    new Bun.CryptoHasher("sha256", "secret").update(text).digest(encoding);

  test("Shopify: the body, in Base64", () => {
    const shopify = generic({ header: "X-Shopify-Hmac-SHA256", encoding: "base64" });
    const headers = { "x-shopify-hmac-sha256": mac(body.toString(), "base64") };
    expect(shopify.sign(body, "secret", { id: "", nowMs: NOW_MS })).toEqual(headers);
    expect(shopify.verify({ headers, body }, ["secret"], NOW_MS).ok).toBe(true);
  });

  test("Zendesk: a time in RFC 3339 before the body, with nothing between them", () => {
    const zendesk = generic({
      header: "X-Zendesk-Webhook-Signature",
      encoding: "base64",
      content: "{timestamp}{body}",
      timestamp_header: "X-Zendesk-Webhook-Signature-Timestamp",
    });
    const at = (time: string) => ({
      "x-zendesk-webhook-signature": mac(`${time}${body}`, "base64"),
      "x-zendesk-webhook-signature-timestamp": time,
    });
    const verify = (time: string) => zendesk.verify({ headers: at(time), body }, ["secret"], NOW_MS);
    const time = new Date(NOW_MS).toISOString();
    expect(verify(time)).toEqual({ ok: true, deliveryId: null, atMs: NOW_MS });
    expect(verify(String(NOW_MS))).toEqual({ ok: true, deliveryId: null, atMs: NOW_MS });
    for (const other of [
      time.replace("Z", "+00:00"),
      time.replace("T", " "),
      "now",
      "1e12",
      "-1",
      `${NOW_MS}0`,
    ])
      expect([other, verify(other).ok]).toEqual([other, false]);
  });

  test("an id that could hold bytes of the body is refused", () => {
    const dotted = generic({ header: "X-Sig", content: "{id}.{body}", id_header: "X-Id" });
    const verify = (id: string, text: string) =>
      dotted.verify(
        { headers: { "x-sig": mac("a.b.c", "hex"), "x-id": id }, body: Buffer.from(text) },
        ["secret"],
        0,
      ).ok;
    expect([verify("a", "b.c"), verify("a.b", "c")]).toEqual([true, false]);
  });

  test("the address is signed only where it is known", () => {
    const square = generic({ header: "X-Sig", content: "{url}{body}" });
    const url = "https://example.com/hook";
    const headers = square.sign(body, "secret", { id: "", nowMs: 0, url });
    expect(square.verify({ headers, body, url }, ["secret"], 0).ok).toBe(true);
    expect(square.verify({ headers, body }, ["secret"], 0).ok).toBe(false);
    expect(() => square.sign(body, "secret", { id: "", nowMs: 0 })).toThrow("signs the address");
  });

  test("names of headers that every object has are no headers", () => {
    const odd = generic({ header: "constructor" });
    expect(odd.verify({ headers: {}, body }, ["secret"], NOW_MS).ok).toBe(false);
  });
});
