import { describe, expect, test } from "bun:test";
import type { AccountHealth, AccountState } from "../../../src/gateway/contract.ts";
import { createTeller } from "../../../src/gateway/supervision/account-log.ts";
import { quietLog } from "../../support/store.ts";

/** The lines that these changes make, without their times. */
function told(changes: [AccountState, string?][], repeatMs = 60_000): string[] {
  const lines: string[] = [];
  const tell = createTeller(quietLog(lines), repeatMs);
  for (const [state, message] of changes) {
    const error = message === undefined ? null : { message };
    const bot = { id: "1", name: "@toy_bot" };
    tell({ state, bot, error } as AccountHealth, {});
  }
  return lines.map((line) => line.slice(25).trim());
}

describe("the log of an account", () => {
  test("says what is new, and that it is connected again", () => {
    expect(
      told([
        ["starting"],
        ["connected"],
        ["reconnecting", "the wind"],
        ["connected"],
        ["reconnecting", "the rain"],
        ["connected"],
      ]),
    ).toEqual([
      "info  connected as @toy_bot",
      'warn  no messages come at the moment reason="the wind"',
      "info  connected as @toy_bot",
      'warn  no messages come at the moment reason="the rain"',
      "info  connected as @toy_bot",
    ]);
  });

  test("does not repeat itself with every try, but after a while", () => {
    const flapping = Array.from({ length: 20 }, (): [AccountState, string?][] => [
      ["waiting", "no network"],
      ["connected"],
    ]).flat();
    expect(told(flapping)).toHaveLength(2);
    expect(told(flapping, 0)).toHaveLength(40);
  });

  test("keeps no more reasons than a few in mind", () => {
    const reasons = Array.from({ length: 200 }, (_, i): [AccountState, string] => ["waiting", `reason ${i}`]);
    expect(told(reasons)).toHaveLength(200);
  });
});
