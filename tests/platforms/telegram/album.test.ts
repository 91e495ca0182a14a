import { expect, setDefaultTimeout, test } from "bun:test";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, messagesOf, startListening } from "./setup.ts";

setDefaultTimeout(60_000);

const photo = (id: string) => ({ photo: [{ file_id: id, file_unique_id: id, width: 9, height: 9 }] });
const part = (id: string, album = "album") => ({ more: { ...photo(id), media_group_id: album } });

test("an album is one message with all its pictures", async () => {
  await using fake = await startFakeTelegram();
  const first = fake.write("", { ...part("a"), chat: -1001 });
  fake.write("elsewhere");
  fake.write("", { more: { ...part("b").more, caption: "@hermes_test_bot what are these?" }, chat: -1001 });
  const last = fake.write("", { ...part("c"), chat: -1001 });
  await using heard = startListening(adapterOf(fake));
  await fake.until("all are confirmed", () => fake.pending.length === 0 && heard.events.length > 0);
  expect(messagesOf(heard)).toHaveLength(2);
  expect(messagesOf(heard).find(({ files }) => files)).toMatchObject({
    id: `${first.updateId}-${last.updateId}`,
    messageId: String(first.messageId),
    text: "@hermes_test_bot what are these?",
    files: [{ ref: "a" }, { ref: "b" }, { ref: "c" }],
  });
});

test("an album that two polls bring is one message, and so are two albums and what stands between", async () => {
  await using fake = await startFakeTelegram();
  fake.write("", part("a"));
  await using heard = startListening(adapterOf(fake));
  await heard.until("the first part was fetched", () => heard.signs > 0);
  fake.write("", part("b"));
  fake.write("between");
  fake.write("", part("c", "other"));
  await heard.until("all come", () => heard.events.length === 3);
  expect(messagesOf(heard).map(({ text, files = [] }) => [text, files.map(({ ref }) => ref)])).toEqual([
    ["", ["a", "b"]],
    ["between", []],
    ["", ["c"]],
  ]);
});

test("a part that comes after its album was taken is not lost", async () => {
  await using fake = await startFakeTelegram();
  await using heard = startListening(adapterOf(fake));
  fake.write("", part("a"));
  fake.write("", part("b"));
  await fake.until("they are confirmed", () => fake.pending.length === 0);
  fake.write("", part("c"));
  await heard.until("it comes", () => heard.events.length === 2);
  expect(messagesOf(heard).map(({ files = [] }) => files.map(({ ref }) => ref))).toEqual([["a", "b"], ["c"]]);
});
