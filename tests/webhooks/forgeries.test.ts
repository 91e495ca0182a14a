import { expect, test } from "bun:test";
import fc from "fast-check";
import { FORGERY_KINDS, forgery, isTaken } from "./forgeries.ts";
import { judge, SENDERS, signed } from "./senders.ts";

test("what every sender signs is taken, with its secret alone and while it is replaced", () => {
  for (const sender of SENDERS)
    for (const secrets of [[sender.secret], ["another", sender.secret], [sender.secret, "another"]])
      expect([sender.name, judge(sender, signed(sender), { secrets }).ok]).toEqual([sender.name, true]);
});

test("of 20,000 forged requests of every kind none is taken, and none is more than a refusal", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(forgery, (one) => {
      seen.add(`${one.kind} / ${one.sender.name}`);
      return !isTaken(one);
    }),
    { numRuns: 20_000 },
  );
  expect(new Set([...seen].map((pair) => pair.split(" / ")[0])).size).toBe(FORGERY_KINDS);
  expect(new Set([...seen].map((pair) => pair.split(" / ")[1])).size).toBe(SENDERS.length);
}, 60_000);
