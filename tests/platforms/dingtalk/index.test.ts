import { describe, expect, test } from "bun:test";
import { hostsOf } from "../../../src/platforms/dingtalk/hosts.ts";
import { DINGTALK } from "../../../src/platforms/dingtalk/index.ts";
import { account, failureOf } from "./setup.ts";

describe("DingTalk as the gateway knows it", () => {
  test("receives in either mode, and is the same bot with another secret", () => {
    expect(DINGTALK.receivesBy(account())).toBe("connection");
    expect(DINGTALK.receivesBy(account({ mode: "webhook" }))).toBe("webhook");
    expect(DINGTALK.credential(account({ app_secret: "one" }))).toBe(
      DINGTALK.credential(account({ app_secret: "two" })),
    );
  });

  test("sends no more to a group than 20 messages in any minute", () => {
    const { burst, perSecond } = DINGTALK.limits.pace.group;
    expect(burst + 60 * perSecond).toBeLessThanOrEqual(20);
    expect(DINGTALK.limits.editEveryMs.group).toBeGreaterThanOrEqual(1000 / perSecond);
  });

  test("has the abilities that its settings allow", async () => {
    const abilities = async (changes: object) => Object.keys(await DINGTALK.connect(account(changes))).sort();
    expect(await abilities({})).toEqual(["fetchFile", "listen", "react", "send"]);
    expect(await abilities({ mode: "webhook", card_template_id: "x" })).toEqual([
      "edit",
      "fetchFile",
      "listen",
      "react",
      "remove",
      "send",
      "webhook",
    ]);
  });

  test("says what is wrong with an address", async () => {
    const error = await failureOf(DINGTALK.connect(account({ api_base: "api.dingtalk.com" })));
    expect([error.kind, error.message]).toEqual(["unauthorized", "api_base is no address."]);
  });
});

describe("the hosts", () => {
  const theirs = (url: string, apiBase?: string) => hostsOf(apiBase).areTheirs(new URL(url));

  test("are DingTalk's own, and what the operator has put in their place", () => {
    for (const url of ["https://oapi.dingtalk.com/robot/x", "https://api.dingtalk.com/x"]) {
      expect(theirs(url)).toBe(true);
      expect(theirs(url, "https://proxy.example")).toBe(true);
    }
    expect(theirs("https://proxy.example/x")).toBe(false);
    expect(theirs("https://proxy.example/x", "https://proxy.example/dingtalk")).toBe(true);
    expect(theirs("http://proxy.example/x", "https://proxy.example")).toBe(false);
    expect(theirs("https://oapi.dingtalk.io/x")).toBe(false);
  });

  test("of the international DingTalk are two as well", () => {
    const { api, olderApi } = hostsOf("https://api.dingtalk.io");
    expect([api.href, olderApi.href]).toEqual(["https://api.dingtalk.io/", "https://oapi.dingtalk.io/"]);
    expect(theirs("https://oapi.dingtalk.io/x", "https://api.dingtalk.io")).toBe(true);
    expect(hostsOf("https://proxy.example/dingtalk").olderApi.href).toBe("https://proxy.example/dingtalk/");
  });
});
