import { describe, expect, test } from "bun:test";
import type { SignedRequest } from "../../src/webhooks/contract.ts";
import { judge, NOW_MS, SENDERS, type Sender, senderOf, signed, withHeaders } from "./senders.ts";

const withBody = (sender: Sender, body: string) => signed({ ...sender, body: () => body });

describe("what a verdict says", () => {
  test("the id and the time that each scheme signs, and null where it signs none", () => {
    const verdicts = SENDERS.map((sender) => {
      const verdict = judge(sender, signed(sender, 7));
      return verdict.ok ? [sender.name, verdict.deliveryId, verdict.atMs] : [sender.name, verdict.reason];
    });
    expect(verdicts).toEqual([
      ["hermes", null, null],
      ["standard", "msg_7", NOW_MS],
      ["standard with whsec_", "msg_7", NOW_MS],
      ["svix", "msg_7", NOW_MS],
      ["github", null, null],
      ["gitlab", null, null],
      ["stripe", "evt_7", NOW_MS],
      ["slack", "Ev7", NOW_MS],
      ["linear", expect.stringMatching(/^[0-9a-f]{64}$/), NOW_MS],
      ["twilio", expect.stringMatching(/^[0-9a-f]{64}$/), null],
      ["generic, body only", null, null],
      ["generic, all fields", "msg_7", NOW_MS],
    ]);
  });

  test("what nobody signs changes nothing: another X-GitHub-Delivery is the same delivery", () => {
    for (const [name, header] of [
      ["github", "x-github-delivery"],
      ["gitlab", "idempotency-key"],
      ["linear", "linear-delivery"],
      ["hermes", "webhook-id"],
      ["twilio", "i-twilio-idempotency-token"],
    ] as const) {
      const request = signed(senderOf(name));
      const seen = ["1", "2"].map((id) => judge(senderOf(name), withHeaders(request, { [header]: id })));
      expect(seen[0]).toEqual(judge(senderOf(name), request));
      expect(seen[1]).toEqual(seen[0] as never);
    }
  });

  test("a repetition that the sender signs anew is the same delivery", () => {
    const idOf = (sender: Sender, request: SignedRequest, nowMs = NOW_MS) => {
      const verdict = judge(sender, request, { nowMs });
      return verdict.ok ? verdict.deliveryId : verdict;
    };
    const later = NOW_MS + 3_600_000;
    const linear = senderOf("linear");
    expect(idOf(linear, signed(linear, 1, later), later)).toEqual(idOf(linear, signed(linear, 1)));
    expect(idOf(linear, signed(linear, 2))).not.toEqual(idOf(linear, signed(linear, 1)));
    const stripe = senderOf("stripe");
    const pending = (count: number) => withBody(stripe, `{"id":"evt_1","pending_webhooks":${count}}`);
    expect(idOf(stripe, pending(2))).toBe("evt_1");
    expect(idOf(stripe, pending(1))).toBe("evt_1");
  });

  test("an id in a body that is no object, or no text, is none", () => {
    for (const name of ["stripe", "slack"])
      for (const body of [
        "",
        "[]",
        "null",
        "token=a&event_id=Ev1",
        '{"id":1,"event_id":{}}',
        '{"id":"","event_id":""}',
      ])
        expect(judge(senderOf(name), withBody(senderOf(name), body))).toEqual({
          ok: true,
          deliveryId: null,
          atMs: NOW_MS,
        });
  });
});

describe("GitLab", () => {
  test("is refused by its headers alone", () => {
    const { scheme, secret } = senderOf("gitlab");
    expect(scheme.beforeBody?.({ "x-gitlab-token": secret }, ["another", secret])).toBe(true);
    for (const headers of [{}, { "x-gitlab-token": "" }, { "x-gitlab-token": `${secret}, ${secret}` }])
      expect(scheme.beforeBody?.(headers, [secret])).toBe(false);
    expect(scheme.beforeBody?.({ "x-gitlab-token": " " }, [" "])).toBe(false);
    expect(SENDERS.filter(({ scheme }) => scheme.beforeBody).map(({ name }) => name)).toEqual(["gitlab"]);
  });
});

describe("Stripe", () => {
  const stripe = senderOf("stripe");
  const request = signed(stripe);
  const [time = "", v1 = ""] = request.headers["stripe-signature"]?.split(",") ?? [];
  const takes = (header: string) => judge(stripe, withHeaders(request, { "stripe-signature": header })).ok;

  test("one of several signatures is enough, and other kinds mean nothing", () => {
    const other = `v1=${"0".repeat(64)}`;
    expect([takes(`${time},${other},${v1}`), takes(`${v1},${time},v0=${"1".repeat(64)}`)]).toEqual([
      true,
      true,
    ]);
    expect([takes(`${time},${v1.replace("v1", "v0")}`), takes(`${time},${other}`)]).toEqual([false, false]);
  });

  test("a header that says its time twice, or anything else, is refused", () => {
    for (const header of [
      `${time},${time},${v1}`,
      `${time},${v1},`,
      `${time};${v1}`,
      `${time}, ${v1}`,
      time,
      v1,
    ])
      expect([header, takes(header)]).toEqual([header, false]);
    expect(takes([time, ...Array(15).fill(`v1=${"0".repeat(64)}`), v1].join(","))).toBe(false);
  });
});

test("Linear signs no body that does not say when it was sent", () => {
  const { scheme, secret } = senderOf("linear");
  expect(() => scheme.sign(Buffer.from("{}"), secret, { id: "", nowMs: 0 })).toThrow("signs the time");
  const body = Buffer.from('{"webhookTimestamp":"1764000000000"}');
  const signature = new Bun.CryptoHasher("sha256", secret).update(body).digest("hex");
  expect(scheme.verify({ headers: { "linear-signature": signature }, body }, [secret], NOW_MS).ok).toBe(
    false,
  );
});
