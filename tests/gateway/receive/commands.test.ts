import { describe, expect, test } from "bun:test";
import { commandIn } from "../../../src/gateway/receive/command-call.ts";
import { MENU } from "../../../src/gateway/receive/commands.ts";

describe("the menu", () => {
  test("tells platforms the other words for a command, too", () => {
    expect(MENU.find(({ name }) => name === "new")?.aliases).toEqual(["reset"]);
  });

  test("has no word twice", () => {
    const all = MENU.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(all.length).toBe(new Set(all).size);
  });

  test("leaves out what only the clients of Telegram say: `/hermes start the tests` asks the agent", () => {
    expect(MENU.flatMap(({ name, aliases = [] }) => [name, ...aliases])).not.toContain("start");
  });
});

describe("a text is a command", () => {
  const cases: [text: string, command: ReturnType<typeof commandIn>][] = [
    ["/new", { name: "new", rest: "" }],
    [" /Model a/b\n", { name: "model", rest: "a/b" }],
    ["/etc/hosts", null],
    ["/ new", null],
    ["say /new", null],
  ];
  test.each(cases)("%j: %j", (text, command) => {
    expect(commandIn(text)).toEqual(command);
  });
});
