import { expect, test } from "bun:test";
import { Value } from "typebox/value";
import { signatureFault, webhookSignature } from "../../src/config/webhook-schemes.ts";

const faultOf = (settings: Record<string, unknown>) =>
  signatureFault(Value.Parse(webhookSignature, { header: "X-Signature", ...settings }));

test("a description of a signature must say where its parts come from, and sign what it names", () => {
  expect(faultOf({})).toBe(null);
  expect(faultOf({ content: "{timestamp}.{body}", timestamp_header: "X-Time" })).toBe(null);
  expect(faultOf({ content: "{id}:{url}:{body}", id_header: "X-Id" })).toBe(null);
  expect(faultOf({ content: "{timestamp}" })).toBe("content must hold {body}, once");
  expect(faultOf({ content: "{body}{body}" })).toBe("content must hold {body}, once");
  expect(faultOf({ content: "{timestamp}.{body}" })).toBe(
    "content holds {timestamp}, but timestamp_header does not say where it comes from",
  );
  expect(faultOf({ id_header: "X-Id" })).toBe(
    "content does not hold {id}, so that nobody signs what id_header names",
  );
});
