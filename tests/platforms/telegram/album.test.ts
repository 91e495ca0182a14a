import { expect, setDefaultTimeout, test } from "bun:test";
import type { FakeTelegram } from "../../fakes/telegram/contract.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, createHeard, messagesOf, startListening } from "./setup.ts";

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

/** Takes what there is, and ends before Telegram learns of it, as a kill does. */
async function takeUnconfirmed(fake: FakeTelegram) {
  const heard = createHeard();
  const { emit } = heard.hooks;
  let stop = () => {};
  heard.hooks.emit = async (event) => {
    await emit(event);
    stop();
  };
  await using listening = startListening(adapterOf(fake), heard);
  stop = listening.stop;
  await listening.ended;
  return heard;
}

for (const parts of [["a", "b"], ["a"]])
  test(`a part that comes late, after a kill, has ${parts.join(" and ")} not answered again`, async () => {
    await using fake = await startFakeTelegram();
    for (const id of parts) fake.write("", part(id));
    const before = await takeUnconfirmed(fake);
    expect(fake.pending).toHaveLength(parts.length);
    fake.write("", part("late"));
    await using after = startListening(adapterOf(fake), createHeard(before.saved));
    await fake.until("all are confirmed", () => fake.pending.length === 0 && after.events.length > 0);
    const [again, late, ...more] = messagesOf(after);
    expect(again?.id).toBe(messagesOf(before)[0]?.id);
    expect(late?.files?.map(({ ref }) => ref)).toEqual(["late"]);
    expect(more).toEqual([]);
  });

test("an album is handed on only once it is on disk which updates it is made of", async () => {
  await using fake = await startFakeTelegram();
  fake.write("", part("a"));
  const heard = createHeard();
  let refusals = 0;
  const { saveState } = heard.hooks;
  heard.hooks.saveState = async (state) => {
    if (refusals++ < 2) throw new Error("the disk is full");
    await saveState(state);
  };
  heard.before = () =>
    expect(heard.saved).toEqual({ albums: [{ album: "album", updates: [expect.any(Number)] }] });
  await using listening = startListening(adapterOf(fake), heard);
  await listening.until("it is taken", () => listening.events.length === 1);
  expect(refusals).toBe(3);
});
