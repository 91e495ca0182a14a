import { describe, expect, test } from "bun:test";
import { checkConfig } from "../../src/config/check.ts";
import { keysAdvice, lackingKeys, lackingToSend } from "../../src/config/platform-keys.ts";
import { ConfigSchema } from "../../src/config/schema.ts";
import { PLATFORM_IDS } from "../../src/platforms/registry.ts";
import { liveConfig } from "../support/agent.ts";

type Platforms = Record<string, Record<string, unknown>>;
const check = (platforms: Platforms, more: Record<string, unknown> = {}) => {
  const { faults, warnings } = checkConfig(liveConfig({ platforms, ...more }).current);
  return { faults: faults.map(({ message }) => message), warnings: warnings.map(({ message }) => message) };
};
const names = Object.keys(ConfigSchema.properties.platforms.properties);

test("every platform that can be configured can be connected", () => {
  expect(names.sort()).toEqual([...PLATFORM_IDS].sort());
});

describe("a platform", () => {
  for (const name of names)
    test(`${name}: one that is switched off needs nothing`, () => {
      expect(check({ [name]: { enabled: false } }).warnings).toEqual([]);
    });

  test("with all it needs is no word worth, though nobody may write yet: it gives them codes", () => {
    expect(check({ telegram: { bot_token: "1:a" }, discord: { bot_token: "a" } })).toEqual({
      faults: [],
      warnings: [],
    });
    expect(check({ telegram: { bot_token: "1:a", pairing: false } }).warnings).toEqual([
      "platforms.telegram.allowed_users is empty and pairing is off: it answers nobody",
    ]);
  });

  test("whose token comes in vain, because its accounts have their own", () => {
    const accounts = [{ name: "work", bot_token: "2:b" }];
    expect(check({ telegram: { bot_token: "1:a", accounts } }).warnings).toEqual([
      "platforms.telegram.bot_token does nothing: the accounts have their own",
    ]);
  });
});

describe("what is missing", () => {
  const cases: [account: Record<string, unknown>, lacking: string[]][] = [
    [{}, ["bot_token", "app_token"]],
    [{ bot_token: "a" }, ["app_token"]],
    [{ bot_token: "a", mode: "webhook" }, ["signing_secret"]],
    [{ bot_token: "a", signing_secret: "b" }, []],
    [{ bot_token: "a", app_token: "b" }, []],
    [{ bot_token: "a", app_token: "b", mode: "webhook" }, ["signing_secret"]],
    [{ bot_token: "a", signing_secret: "b", mode: "websocket" }, ["app_token"]],
  ];
  test.each(cases)("slack with %p", (account, lacking) => {
    expect(lackingKeys("slack", account)).toEqual(lacking);
  });

  test("telegram and discord connect by themselves unless they are told otherwise", () => {
    expect(lackingKeys("telegram", { bot_token: "a", mode: "polling" })).toEqual([]);
    expect(lackingKeys("telegram", { bot_token: "a", mode: "webhook" })).toEqual(["secret_token"]);
    expect(lackingKeys("discord", { bot_token: "a", mode: "websocket" })).toEqual([]);
    expect(lackingKeys("discord", { bot_token: "a", mode: "webhook" })).toEqual(["application_public_key"]);
  });

  test("feishu's callbacks need one key of two, whichever it is", () => {
    const keys = { app_id: "a", app_secret: "b" };
    expect(lackingKeys("feishu", { ...keys, mode: "websocket" })).toEqual([]);
    expect(lackingKeys("feishu", { ...keys, mode: "webhook" })).toEqual(["encrypt_key"]);
    expect(lackingKeys("feishu", { ...keys, mode: "webhook", encrypt_key: "c" })).toEqual([]);
    expect(lackingKeys("feishu", { ...keys, mode: "webhook", verification_token: "c" })).toEqual([]);
    expect(check({ feishu: { ...keys, mode: "webhook" } }).faults).toEqual([
      "platforms.feishu.encrypt_key is missing; mode: webhook needs encrypt_key or verification_token",
    ]);
  });

  test("wecom is an AI bot by its own keys, and an application by others", () => {
    const app = { corp_id: "a", agent_id: "1", secret: "b", token: "c", encoding_aes_key: "d" };
    const bot = { bot_id: "e", bot_secret: "f" };
    expect(lackingKeys("wecom", app)).toEqual([]);
    expect(lackingKeys("wecom", bot)).toEqual([]);
    expect(lackingKeys("wecom", { bot_id: "e", mode: "websocket" })).toEqual(["bot_secret"]);
    expect(lackingKeys("wecom", { bot_id: "e" })).toEqual(["bot_secret"]);
    expect(lackingKeys("wecom", { ...app, bot_id: "e" })).toEqual(["bot_secret"]);
    expect(check({ wecom: { bot_id: "e" } }).warnings).toEqual([
      "platforms.wecom.bot_secret is missing: it cannot connect",
    ]);
    expect(lackingKeys("wecom", { ...bot, mode: "webhook" })).toEqual(Object.keys(app));
    const { encoding_aes_key: _, ...open } = app;
    expect(check({ wecom: { ...open, mode: "webhook" } }).faults).toEqual([
      "platforms.wecom.encoding_aes_key is missing; mode: webhook needs it",
    ]);
    expect(check({ wecom: { ...app, secret: undefined } }).warnings).toEqual([
      "platforms.wecom.secret is missing: it cannot connect",
    ]);
  });

  test("wechat is not connected without the token of its callback", () => {
    expect(lackingKeys("wechat", { app_id: "a", app_secret: "b" })).toEqual(["token"]);
    expect(lackingKeys("wechat", { app_id: "a", app_secret: "b", token: "c" })).toEqual([]);
  });

  test("keeps it from starting only where strangers could write in the name of anybody", () => {
    expect(check({ slack: { bot_token: "a", mode: "webhook" } }).faults).toEqual([
      "platforms.slack.signing_secret is missing; mode: webhook needs it",
    ]);
    expect(check({ slack: { bot_token: "a" } })).toEqual({
      faults: [],
      warnings: ["platforms.slack.app_token is missing: it cannot receive"],
    });
  });

  test("can be mended in both ways where there are two", () => {
    const { warnings } = checkConfig(liveConfig({ platforms: { slack: { bot_token: "a" } } }).current);
    const advice = "Set app_token in platforms.slack, or signing_secret to be called at the webhook.";
    expect(warnings.map(({ hint }) => hint)).toEqual([advice]);
    expect(keysAdvice("slack", { bot_token: "a" })).toBe(advice);
    expect(keysAdvice("slack", {})).toBe(
      "Set bot_token and app_token in platforms.slack, or bot_token and signing_secret to be called at the webhook.",
    );
    expect(keysAdvice("slack", { bot_token: "a", mode: "websocket" })).toBe(
      "Set app_token in platforms.slack.",
    );
    expect(keysAdvice("wechat", {})).toBe("Set app_id, app_secret and token in platforms.wechat.");
  });

  test("is less for an account that only sends", () => {
    expect(lackingToSend("slack", {})).toEqual(["bot_token"]);
    expect(lackingToSend("slack", { bot_token: "a" })).toEqual([]);
    expect(lackingToSend("slack", { bot_token: "a", mode: "webhook" })).toEqual([]);
    expect(lackingToSend("telegram", { bot_token: "a", mode: "webhook" })).toEqual([]);
    expect(lackingToSend("wechat", { app_id: "a", app_secret: "b" })).toEqual(["token"]);
    expect(lackingToSend("wecom", { bot_id: "a" })).toEqual(["bot_secret"]);
    expect(lackingToSend("wecom", { corp_id: "a", agent_id: "1" })).toEqual(["secret"]);
    expect(lackingToSend("wecom", { corp_id: "a", agent_id: "1", secret: "b" })).toEqual([]);
  });
});

test("a secret token that can be guessed is told", () => {
  const telegram = { bot_token: "1:a", mode: "webhook", secret_token: "short" };
  expect(check({ telegram }).warnings).toEqual([
    "platforms.telegram.secret_token is short and can be guessed",
  ]);
});

describe("gateway.webhook", () => {
  const secret = "a-secret-of-webhooks-for-tests";

  test("enabled: it demands its secret", () => {
    expect(check({}, { gateway: { webhook: { enabled: true } } }).faults).toEqual([
      "gateway.webhook.secret is missing: anybody could send events",
    ]);
    expect(check({}, { gateway: { webhook: { enabled: true, secret, path: "/in" } } })).toEqual({
      faults: [],
      warnings: [],
    });
  });

  test("for platforms alone, which have their own secrets: nothing more is asked for", () => {
    const telegram = { bot_token: "1:a", mode: "webhook", secret_token: secret };
    expect(check({ telegram }, { gateway: { webhook: { host: "0.0.0.0" } } })).toEqual({
      faults: [],
      warnings: [],
    });
  });
});
