import { describe, expect, test } from "bun:test";
import { placeOf, sessionKeyOf } from "../../../src/gateway/receive/place.ts";
import type { AccountSettings } from "../../../src/platforms/contract.ts";
import { ID_PATTERN } from "../../../src/tools/contract.ts";
import { liveConfig } from "../../support/agent.ts";
import { message } from "../../support/chat.ts";

const account = (settings: Record<string, unknown> = {}, name = "") => ({
  platform: "telegram" as const,
  name,
  settings: liveConfig({ platforms: { telegram: settings } }).current.platforms.telegram as AccountSettings,
});
const place = (change: Parameters<typeof message>[1], settings = {}, name = "") =>
  placeOf(account(settings, name), message("hi", change));

describe("where a message stands", () => {
  test("people, chats, threads and accounts never share a session", () => {
    const changes: [Parameters<typeof message>[1], string?][] = [
      [{}],
      [{ sender: { id: "2", name: "Ann" } }],
      [{ address: { chat: "2" } }],
      [{ address: { chat: "1", thread: "7" } }],
      [{ address: { chat: "1--7" } }],
      [{ address: { chat: "1_7" } }],
      [{ address: { chat: "1/7" } }],
      [{ sender: { id: "1/x", name: "Ann" } }],
      [{}, "work"],
    ];
    const places = changes.map(([change, name]) => place(change, {}, name));
    const keys = places.map((one) => sessionKeyOf(one, one.sessionId));
    expect(new Set(places.map((one) => one.chatKey)).size).toBe(changes.length);
    expect(new Set(keys).size).toBe(changes.length);
  });

  test("an id of any form makes a session id, and no slash in an owner", () => {
    for (const id of ["-100123", "C02ABC", "cidabc/+==", "群聊", "x".repeat(300), "a.b", "../../etc"]) {
      const one = place({ address: { chat: id, thread: "1700.0001" }, sender: { id, name: "n" } });
      expect(one.sessionId).toMatch(new RegExp(ID_PATTERN));
      expect(one.caller.principal).not.toContain("/");
    }
  });

  test("a chat's own settings stand before the account's", () => {
    const settings = {
      model: "a/b",
      tools: ["memory"],
      prompt: "Be brief.",
      language: "en",
      chats: { "1": { model: "c/d", tools: ["web"], language: "zh" } },
    };
    const here = place({}, settings);
    expect(here.voice).toEqual({ model: "c/d", tools: ["web"], prompt: "Be brief.", answerIn: "zh" });
    expect(here.caller.tools).toEqual(["web"]);
    expect(here.language).toBe("zh");
    const elsewhere = place({ address: { chat: "2" } }, settings);
    expect(elsewhere.voice).toEqual({
      model: "a/b",
      tools: ["memory"],
      prompt: "Be brief.",
      answerIn: "en",
    });
    expect(elsewhere.caller.tools).toEqual(["memory"]);
  });

  test("no name of a property is a chat's settings", () => {
    expect(place({ address: { chat: "constructor" } }).voice).toEqual({});
  });

  test("the language is the configured one, else the client's, else that of the text", () => {
    const language = (settings: object, change: Parameters<typeof message>[1], text = "hi") =>
      placeOf(account({ ...settings }), message(text, change)).language;
    expect(language({ language: "en" }, { sender: { id: "1", name: "n", language: "zh-hans" } })).toBe("en");
    expect(language({ language: "auto" }, { sender: { id: "1", name: "n", language: "zh-hans" } })).toBe(
      "zh",
    );
    expect(language({}, { sender: { id: "1", name: "n", language: "de" } }, "你好")).toBe("en");
    expect(language({}, {}, "你好")).toBe("zh");
    expect(language({}, {})).toBe("en");
  });

  test("the language of who shows none is that of most people there", () => {
    const language = (text: string, home?: "en" | "zh") =>
      placeOf(account(), message(text), [], home).language;
    for (const text of ["/help", "/model a/b", " /start", "!stop", "", "?", "42", "👍", "[sticker]"])
      expect([text, language(text, "zh"), language(text)]).toEqual([text, "zh", "en"]);
    expect(language("how are you?", "zh")).toBe("en");
    expect(language("你好", "en")).toBe("zh");
    expect(placeOf(account({ language: "en" }), message("/help"), [], "zh").language).toBe("en");
  });
});
