import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseYaml } from "../../src/config/yaml-file.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

/** Longer than a number of JavaScript is exact. */
const LONG = "123456789012345678";

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

const platforms = (yaml: string) => {
  home.write("config.yaml", yaml);
  return home.load().config.platforms;
};

describe("a key", () => {
  test.each([LONG, "-1001234567890", "007", "1e3", "0x1F", "true", "~"])(
    "%s that stands without quotes keeps its text",
    (key) => {
      expect(parseYaml(`${key}: 1`).value).toEqual({ [key]: 1 });
    },
  );

  test("is another one when its last digits differ, also beyond what a number can tell apart", () => {
    const { value, problems } = parseYaml("123456789012345678: a\n123456789012345679: b\n");
    expect(value).toEqual({ "123456789012345678": "a", "123456789012345679": "b" });
    expect(problems).toEqual([]);
  });

  test("that stands twice is told, however it is quoted", () => {
    const { problems } = parseYaml(`${LONG}: a\n"${LONG}": b\n`);
    expect(problems.map(({ message }) => message)).toEqual(["the key stands here a second time"]);
  });

  test("below chats is the id of the chat", () => {
    const { discord } = platforms(
      `platforms: { discord: { bot_token: a, chats: { ${LONG}: { require_mention: false } } } }`,
    );
    expect(discord?.chats).toEqual({ [LONG]: { require_mention: false } });
  });
});

describe("an id without quotes", () => {
  test.each(["allowed_users", "allowed_groups", "allowed_channels", "allowed_guilds"] as const)(
    "keeps its digits in %s",
    (key) => {
      const { discord } = platforms(`platforms: { discord: { bot_token: a, ${key}: [ ${LONG}, 007 ] } }`);
      expect(discord?.[key]).toEqual([LONG, "007"]);
    },
  );

  test("keeps its digits in an account", () => {
    const { discord } = platforms(
      `platforms: { discord: { accounts: [ { name: a, bot_token: a, allowed_users: [ ${LONG}, 12 ] } ] } }`,
    );
    expect(discord?.accounts?.[0]?.allowed_users).toEqual([LONG, 12]);
  });

  test("of Telegram that is longer than its ids are is told", () => {
    const [problem] = home.problems(
      `platforms: { telegram: { bot_token: "1:a", allowed_users: [ ${LONG} ] } }`,
    );
    expect(problem?.message).toBe("platforms.telegram.allowed_users[0] is too long for an id of Telegram");
  });
});
