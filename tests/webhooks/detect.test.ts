import { describe, expect, test } from "bun:test";
import { SCHEME_NAMES } from "../../src/webhooks/contract.ts";
import { detectScheme, schemeOf } from "../../src/webhooks/schemes.ts";
import { SENDERS, senderOf, signed } from "./senders.ts";

describe("the scheme of a request", () => {
  test("is told by its headers", () => {
    for (const sender of SENDERS.filter(({ scheme }) => !["generic", "linear"].includes(scheme.name)))
      expect(detectScheme(signed(sender).headers)?.name).toBe(sender.scheme.name);
    expect(detectScheme(signed(senderOf("linear")).headers)).toBe(null);
    expect(detectScheme({ "content-type": "application/json", "webhook-id": "msg_1" })).toBe(null);
    expect(detectScheme({ "x-hermes-signature": " " })).toBe(null);
  });

  test("that shows two is the stronger one, and no other is asked", () => {
    const [hermes, standard] = [senderOf("hermes"), senderOf("standard")];
    const weak = signed(hermes).headers;
    const headers = { ...weak, ...signed(standard).headers };
    expect(detectScheme(headers)?.name).toBe("standard");
    const stripped = { ...weak, "webhook-signature": headers["webhook-signature"] ?? "" };
    expect(detectScheme(stripped)?.name).toBe("standard");
    expect(detectScheme({ ...weak, "x-gitlab-token": "a" })?.name).toBe("hermes");
  });

  test("has a name of the list, and every name of the list has a scheme", () => {
    for (const name of SCHEME_NAMES) if (name !== "generic") expect(schemeOf(name).name).toBe(name);
    expect(SCHEME_NAMES).toHaveLength(10);
  });
});
