import { expect, test } from "bun:test";
import { Parser } from "@asyncapi/parser";
import { FormatRegistry } from "typebox";
import { Value } from "typebox/value";
import {
  asyncApiYaml,
  EXAMPLE_SECRET,
  EXAMPLE_TIME_MS,
  exampleBody,
  exampleHeaders,
} from "../../../scripts/asyncapi.ts";
import { WEBHOOK_EVENTS } from "../../../src/config/webhook-events.ts";
import { payloadSchema } from "../../../src/webhooks/outbound/events.ts";
import { schemeOf } from "../../../src/webhooks/schemes.ts";

FormatRegistry.Set("date-time", (text) => !Number.isNaN(Date.parse(text)));

test("the AsyncAPI document is valid for its makers' parser, and has every event", async () => {
  const { document, diagnostics } = await new Parser().parse(asyncApiYaml());
  expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
  const names = document?.allMessages().map((message) => message.name());
  expect(names?.toSorted()).toEqual([...WEBHOOK_EVENTS].toSorted());
  for (const message of document?.allMessages() ?? []) expect(message.examples()).toHaveLength(1);
}, 30_000);

for (const type of WEBHOOK_EVENTS)
  test(`the example of ${type} is as its schema says, and signed with the secret that the document names`, () => {
    const body = exampleBody(type);
    expect([...Value.Errors(payloadSchema(type), JSON.parse(body))]).toEqual([]);
    const request = { headers: exampleHeaders(type), body: new TextEncoder().encode(body) };
    for (const scheme of ["standard", "hermes"] as const)
      expect(schemeOf(scheme).verify(request, [EXAMPLE_SECRET], EXAMPLE_TIME_MS).ok).toBe(true);
  });
