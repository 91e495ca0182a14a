import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { callingNobody } from "../../../src/platforms/telegram/mentions.ts";
import { type MessageEntity, mentionsIn, parseHtml } from "../../fakes/telegram/entities.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, never, outbound } from "./setup.ts";

setDefaultTimeout(60_000);

const SAID =
  "**@alice_1** and @*bobby*: ask https://a.example/@carol, dave@e.example or `@erin_1`. <@frank_1>";
const BAD_MARKUP = "Bad Request: can't parse entities: it is only a test";
const PICTURE = { name: "a.png", mediaType: "image/png", bytes: new Uint8Array([1]) };

async function start() {
  const fake = await startFakeTelegram();
  const calls = () =>
    fake.messages(501).flatMap(({ entities }) => entities.filter(({ type }) => type === "mention"));
  fake.write("hello");
  return { fake, adapter: adapterOf(fake), calls, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

test("the fake calls people by their names, as Telegram does", async () => {
  await using t = await start();
  const body = { chat_id: 501, text: "ask @bobby or dave@e.example" };
  await fetch(`${t.fake.url}/bot${t.fake.token}/sendMessage`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(t.calls()).toEqual([{ type: "mention", offset: 4, length: 6 }]);
});

for (const [name, failure] of [
  ["with marks", null],
  ["as plain text", { errorCode: 400, description: BAD_MARKUP }],
] as const)
  test(`a message calls nobody and says all that was said: ${name}`, async () => {
    await using t = await start();
    if (failure) for (const method of ["sendMessage", "sendPhoto"]) t.fake.fail(method, failure);
    const sent = await t.adapter.send(outbound(SAID), never);
    await t.adapter.send(outbound(SAID, { files: [PICTURE], idempotencyId: "d:1" }), never);
    expect(t.calls()).toEqual([]);
    const said = "@alice_1 and @bobby: ask https://a.example/@carol, dave@e.example or @erin_1. <@frank_1>";
    expect(t.fake.messages(501).map(({ text, caption }) => caption ?? text)).toEqual([said, said]);
    if (failure) t.fake.fail("editMessageText", failure);
    await t.adapter.edit(sent, outbound(`${SAID} @gina_1`), never);
    expect(t.fake.messages(501)[0]?.text).toBe(`${said} @gina_1`);
    expect(t.calls()).toEqual([]);
  });

/** Marks in marks, as Markdown makes them. */
const inline = fc.letrec<{ all: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("@bob_1", "@", "bobby", " ", "&amp;", "中", "a", "\n", "@carol,"),
    ...["b", "i", "s", "code"].map((tag) => tie("all").map((inner) => `<${tag}>${inner}</${tag}>`)),
    tie("all").map((inner) => `<a href="https://a.example">${inner}</a>`),
  ),
  all: fc.array(tie("piece"), { maxLength: 6 }).map((pieces) => pieces.join("")),
})).all;
const html = fc
  .array(
    fc.oneof(
      inline,
      inline.map((inner) => `\n<blockquote>${inner}</blockquote>\n`),
      inline.map((inner) => `<pre>${inner.replace(/<[^>]*>/g, "")}</pre>`),
    ),
  )
  .map((blocks) => blocks.join(""));

test("whatever stands where, the text stays as it is and calls nobody", () => {
  const property = fc.property(html, (written) => {
    const before = parseHtml(written);
    const after = parseHtml(callingNobody(written));
    expect(after.text).toBe(before.text);
    expect(mentionsIn(after)).toEqual([]);
    const others = (entities: readonly MessageEntity[]) =>
      entities.filter(({ type }) => /^(text_link|pre|blockquote)$/.test(type));
    expect(others(after.entities)).toEqual(others(before.entities));
  });
  fc.assert(property, { numRuns: 500 });
});
