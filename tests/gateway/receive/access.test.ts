import { describe, expect, test } from "bun:test";
import { accessOf } from "../../../src/gateway/receive/access.ts";
import type { AccountSettings, InboundMessage } from "../../../src/platforms/contract.ts";
import { liveConfig } from "../../support/agent.ts";
import { message } from "../../support/chat.ts";

const telegram = (settings: Record<string, unknown>) =>
  liveConfig({ platforms: { telegram: settings } }).current.platforms.telegram as AccountSettings;
const discord = (settings: Record<string, unknown>) =>
  liveConfig({ platforms: { discord: settings } }).current.platforms.discord as AccountSettings;
const from = (id: string, change: Partial<InboundMessage> = {}) =>
  message("hi", { sender: { id, name: "Ann" }, ...change });
const group = (id: string, change: Partial<InboundMessage> = {}) =>
  from(id, { scope: "group", address: { chat: "-100" }, ...change });

const no = async () => false;
const yes = async () => true;

describe("direct chats", () => {
  const cases: [string, Record<string, unknown>, string, () => Promise<boolean>, string][] = [
    ["nobody is allowed", {}, "1", no, "pair"],
    ["nobody is allowed, and there are no codes", { pairing: false }, "1", no, "ignore"],
    ["somebody who is listed", { allowed_users: [1] }, "1", no, "answer"],
    ["an id that begins alike", { allowed_users: [123], pairing: false }, "12", no, "ignore"],
    ["an id that ends alike", { allowed_users: [123], pairing: false }, "23", no, "ignore"],
    ["another spelling of the number", { allowed_users: [123], pairing: false }, "0123", no, "ignore"],
    ["an empty id", { allowed_users: ["*"] }, "", yes, "ignore"],
    ["everybody, written out", { allowed_users: ["*"] }, "7", no, "answer"],
    ["somebody with a code", { allowed_users: [2] }, "1", yes, "answer"],
  ];
  for (const [what, settings, id, isPaired, access] of cases)
    test(what, async () => {
      expect(await accessOf(telegram(settings), from(id), isPaired)).toBe(access as "answer");
    });

  test("a name proves nothing", async () => {
    const settings = telegram({ allowed_users: [1], pairing: false });
    const named = message("hi", { sender: { id: "2", name: "1" } });
    expect(await accessOf(settings, named, no)).toBe("ignore");
  });

  test("the button of a stranger gets no code", async () => {
    expect(await accessOf(telegram({}), from("9", { button: "y:apr_1" }), no)).toBe("ignore");
  });
});

describe("groups", () => {
  test("need the group and the person", async () => {
    const both = telegram({ allowed_users: [1], allowed_groups: ["-100"] });
    expect(await accessOf(both, group("1"), no)).toBe("answer");
    expect(await accessOf(both, group("2"), no)).toBe("ignore");
    expect(await accessOf(telegram({ allowed_users: [1] }), group("1"), no)).toBe("ignore");
    expect(await accessOf(telegram({ allowed_groups: ["-100"] }), group("1"), no)).toBe("ignore");
  });

  test("whoever was let in by a code gains nothing, and gets no code there", async () => {
    const settings = telegram({ allowed_groups: ["-100"] });
    expect(await accessOf(settings, group("1"), yes)).toBe("ignore");
    expect(await accessOf(settings, group("1"), no)).toBe("ignore");
  });

  test("need a mention, unless the chat or the account says otherwise", async () => {
    const base = { allowed_users: [1], allowed_groups: ["*"] };
    const silent = group("1", { isForBot: false });
    expect(await accessOf(telegram(base), silent, no)).toBe("ignore");
    expect(await accessOf(telegram({ ...base, require_mention: false }), silent, no)).toBe("answer");
    const chats = { "-100": { require_mention: false } };
    expect(await accessOf(telegram({ ...base, chats }), silent, no)).toBe("answer");
    const strict = { "-100": { require_mention: true } };
    expect(await accessOf(telegram({ ...base, require_mention: false, chats: strict }), silent, no)).toBe(
      "ignore",
    );
  });
});

describe("/whoami in a place that is not allowed", () => {
  const settings = telegram({ allowed_users: [1], allowed_groups: ["-7"] });
  const asks = (id: string, text: string, change: Partial<InboundMessage> = {}) =>
    accessOf(settings, group(id, { text, ...change }), no);

  test("is answered to those who are listed, so that they can read its id", async () => {
    expect(await asks("1", "/whoami")).toBe("answer");
  });

  const others: [what: string, access: () => Promise<string>][] = [
    ["a stranger", () => asks("2", "/whoami")],
    ["somebody who was let in by a code", () => accessOf(settings, group("2", { text: "/whoami" }), yes)],
    ["what is not said to the bot", () => asks("1", "/whoami", { isForBot: false })],
    ["another command", () => asks("1", "/status")],
    ["a command that begins alike", () => asks("1", "/whoamiwhat")],
    ["a question", () => asks("1", "whoami")],
    ["a button", () => asks("1", "", { button: "/whoami" })],
    ["a button with a text", () => asks("1", "/whoami", { button: "y:apr_1" })],
    ["a file", () => asks("1", "/whoami", { files: [{ kind: "image", ref: "f" }] })],
  ];
  test.each(others)("%s is not answered", async (_what, access) => {
    expect(await access()).toBe("ignore");
  });
});

describe("Discord's servers and channels", () => {
  const inChannel = (spaces: string[]) => group("1", { address: { chat: "c1" }, spaces });
  const cases: [string, Record<string, unknown>, string[], string][] = [
    ["no server is allowed", {}, ["g1"], "ignore"],
    ["the server", { allowed_guilds: ["g1"] }, ["g1"], "answer"],
    ["another server", { allowed_guilds: ["g2"] }, ["g1"], "ignore"],
    ["the server, another channel", { allowed_guilds: ["g1"], allowed_channels: ["c2"] }, ["g1"], "ignore"],
    ["the server and the channel", { allowed_guilds: ["g1"], allowed_channels: ["c1"] }, ["g1"], "answer"],
    ["a thread of the channel", { allowed_guilds: ["g1"], allowed_channels: ["p1"] }, ["g1", "p1"], "answer"],
    ["the channel of another server", { allowed_guilds: ["g2"], allowed_channels: ["c1"] }, ["g1"], "ignore"],
    ["the channel alone", { allowed_channels: ["c1"] }, ["g1"], "answer"],
  ];
  for (const [what, settings, spaces, access] of cases)
    test(what, async () => {
      const account = discord({ allowed_users: ["1"], ...settings });
      expect(await accessOf(account, inChannel(spaces), no)).toBe(access as "answer");
    });
});
