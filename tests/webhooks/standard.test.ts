import { describe, expect, setSystemTime, test } from "bun:test";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { schemeOf } from "../../src/webhooks/schemes.ts";

const standard = schemeOf("standard");
const NOW_MS = 1_764_000_000_000;
const OLD = `whsec_${Buffer.from("the old key, of some 32 bytes ..").toString("base64")}`;
const NEW = `whsec_${Buffer.from("the new key, of some 32 bytes ..").toString("base64")}`;

const key = fc
  .uint8Array({ minLength: 1, maxLength: 64 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`);
const body = fc.json().map((text) => Buffer.from(text));
const id = fc.uuid().map((uuid) => `msg_${uuid}`);
const atMs = fc.integer({ min: NOW_MS - 299_000, max: NOW_MS + 299_000 });

/** What the reference library says of a request; it knows no other clock than the system's. */
function theirs(secret: string, text: string, headers: Record<string, string>): boolean {
  setSystemTime(NOW_MS);
  try {
    new Webhook(secret).verify(text, headers);
    return true;
  } catch {
    return false;
  } finally {
    setSystemTime();
  }
}

describe("Standard Webhooks", () => {
  test("the reference library takes what we sign, and we take what it signs", () => {
    fc.assert(
      fc.property(key, id, atMs, body, (secret, id, atMs, body) => {
        const ours = standard.sign(body, secret, { id, nowMs: atMs });
        expect(theirs(secret, body.toString(), ours)).toBe(true);
        const signature = new Webhook(secret).sign(id, new Date(atMs), body.toString());
        expect(ours["webhook-signature"]).toBe(signature);
        const verdict = standard.verify({ headers: ours, body }, [secret], NOW_MS);
        expect(verdict).toEqual({ ok: true, deliveryId: id, atMs: Math.floor(atMs / 1000) * 1000 });
      }),
      { numRuns: 500 },
    );
  });

  test("both refuse what is changed, or signed too long ago", () => {
    const text = '{"a":1}';
    const signed = (nowMs: number) => standard.sign(Buffer.from(text), NEW, { id: "msg_1", nowMs });
    const both = (headers: Record<string, string>, sent = text) => [
      theirs(NEW, sent, headers),
      standard.verify({ headers, body: Buffer.from(sent) }, [NEW], NOW_MS).ok,
    ];
    expect(both(signed(NOW_MS))).toEqual([true, true]);
    expect(both(signed(NOW_MS - 300_000))).toEqual([true, true]);
    expect(both(signed(NOW_MS + 300_000))).toEqual([true, true]);
    expect(both(signed(NOW_MS - 301_000))).toEqual([false, false]);
    expect(both(signed(NOW_MS + 301_000))).toEqual([false, false]);
    expect(both(signed(NOW_MS), '{"a":2}')).toEqual([false, false]);
    expect(both({ ...signed(NOW_MS), "webhook-id": "msg_2" })).toEqual([false, false]);
  });

  test("while a secret is replaced, either signature and either secret will do", () => {
    const bytes = Buffer.from("{}");
    const parts = { id: "msg_1", nowMs: NOW_MS };
    const old = standard.sign(bytes, OLD, parts);
    const next = standard.sign(bytes, NEW, parts);
    const list = `v1a,${"A".repeat(86)}== ${old["webhook-signature"]} ${next["webhook-signature"]}`;
    const both = { ...old, "webhook-signature": list };
    const ok = (headers: Record<string, string>, ...secrets: string[]) =>
      standard.verify({ headers, body: bytes }, secrets, NOW_MS).ok;
    expect(ok(both, OLD)).toBe(true);
    expect(ok(both, NEW)).toBe(true);
    expect(ok(old, NEW, OLD)).toBe(true);
    expect(ok(next, NEW, OLD)).toBe(true);
    expect(ok(old, NEW)).toBe(false);
    expect(theirs(NEW, "{}", both)).toBe(true);
  });

  test("a list of signatures without end is not compared", () => {
    const { "webhook-signature": signature = "", ...rest } = standard.sign(Buffer.from("{}"), NEW, {
      id: "msg_1",
      nowMs: NOW_MS,
    });
    const listOf = (count: number) => ({
      ...rest,
      "webhook-signature": [...Array(count - 1).fill(`v1,${"A".repeat(43)}=`), signature].join(" "),
    });
    const verify = (headers: Record<string, string>) =>
      standard.verify({ headers, body: Buffer.from("{}") }, [NEW], NOW_MS).ok;
    expect(verify(listOf(16))).toBe(true);
    expect(verify(listOf(17))).toBe(false);
  });

  test("a secret that is no Base64 after whsec_ signs nothing and opens nothing", () => {
    const body = Buffer.from("{}");
    const parts = { id: "msg_1", nowMs: NOW_MS };
    const headers = standard.sign(body, "any other secret", parts);
    for (const broken of ["whsec_", "whsec_####", "whsec_ab_d", "whsec_ "]) {
      expect(() => standard.sign(body, broken, parts)).toThrow("Base64");
      const verdict = standard.verify({ headers, body }, [broken], NOW_MS);
      expect(verdict).toEqual({ ok: false, reason: "there is no usable secret" });
    }
  });

  test("no byte of the body can become a part of the id", () => {
    const whole = standard.sign(Buffer.from(`${NOW_MS / 1000}.rest`), NEW, { id: "a", nowMs: NOW_MS });
    const headers = { ...whole, "webhook-id": `a.${NOW_MS / 1000}` };
    expect(standard.verify({ headers, body: Buffer.from("rest") }, [NEW], NOW_MS)).toEqual({
      ok: false,
      reason: "a header is malformed",
    });
    for (const id of ["a.b", "a b", "a,b", "", "é", "x".repeat(257)])
      expect(() => standard.sign(Buffer.from("{}"), NEW, { id, nowMs: NOW_MS })).toThrow("id of a webhook");
  });
});
