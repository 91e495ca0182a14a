import { expect, test } from "bun:test";
import { createTyping } from "../../../src/gateway/deliver/typing.ts";
import { TOY_LIMITS, toyChat } from "../../support/chat.ts";
import { quietLog } from "../../support/store.ts";

const never = new AbortController().signal;

test("what is answered at once shows no typing; what takes longer does, once in a place", async () => {
  const chat = toyChat({}, { limits: { ...TOY_LIMITS, typingEveryMs: 60_000 } });
  const show = createTyping(never, quietLog());
  show(chat.connection, { chat: "soon" })();
  const ends = [1, 2].map(() => show(chat.connection, { chat: "late" }));
  await chat.until(() => chat.calls.length > 0);
  for (const end of ends) end();
  expect(chat.calls.map(({ name, detail }) => [name, detail])).toEqual([["typing", { chat: "late" }]]);
});
