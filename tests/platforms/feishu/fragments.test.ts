import { expect, test } from "bun:test";
import { createFragments } from "../../../src/platforms/feishu/fragments.ts";

const payload = (text: string) => new TextEncoder().encode(text);
const piece = (seq: number, text: string, more = {}) => ({
  messageId: "m",
  sum: 3,
  seq,
  payload: payload(text),
  ...more,
});
const textOf = (whole: Uint8Array | null) => whole && new TextDecoder().decode(whole);

test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  "pieces in the order %p are one event, with the last one",
  (order) => {
    const fragments = createFragments(10_000);
    const texts = ["飞", "", "书"];
    const answers = order.map((seq) => textOf(fragments.add(piece(seq, texts[seq] ?? ""))));
    expect(answers).toEqual([null, null, "飞书"]);
  },
);

test("a piece that comes twice counts once, and events do not mix", () => {
  const fragments = createFragments(10_000);
  expect(fragments.add(piece(0, "a"))).toBeNull();
  expect(fragments.add(piece(0, "a"))).toBeNull();
  expect(fragments.add(piece(1, "x", { messageId: "other", sum: 2 }))).toBeNull();
  expect(fragments.add(piece(1, "b"))).toBeNull();
  expect(textOf(fragments.add(piece(2, "c")))).toBe("abc");
  expect(textOf(fragments.add(piece(0, "y", { messageId: "other", sum: 2 })))).toBe("yx");
});

test("what is not whole after ten seconds is forgotten", () => {
  let nowMs = 0;
  const fragments = createFragments(10_000, () => nowMs);
  fragments.add(piece(0, "a"));
  nowMs = 10_000;
  fragments.add(piece(1, "b"));
  nowMs = 10_001;
  expect(fragments.add(piece(2, "c"))).toBeNull();
  fragments.add(piece(0, "d"));
  expect(textOf(fragments.add(piece(1, "e")))).toBe("dec");
});

test("pieces that cannot be, and endless beginnings, take no room", () => {
  const fragments = createFragments(10_000);
  for (const wrong of [
    { seq: -1 },
    { seq: 3 },
    { seq: 0.5 },
    { sum: 1e9, seq: 0 },
    { seq: Number.NaN },
    { sum: 0 },
  ])
    expect(fragments.add(piece(0, "a", wrong))).toBeNull();
  for (let i = 0; i < 500; i++) fragments.add(piece(0, "a", { messageId: `m${i}` }));
  expect(fragments.add(piece(1, "b", { messageId: "m0", sum: 2 }))).toBeNull();
  fragments.add(piece(1, "b", { messageId: "m499" }));
  expect(textOf(fragments.add(piece(2, "c", { messageId: "m499" })))).toBe("abc");
});
