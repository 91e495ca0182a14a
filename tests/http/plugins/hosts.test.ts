import { describe, expect, test } from "bun:test";
import type { Config } from "../../../src/config/schema.ts";
import { createDoorkeeper } from "../../../src/http/plugins/hosts.ts";
import { liveConfig } from "../../support/agent.ts";

const visitors = ({ api }: Config) => ({
  hosts: [api.host, ...api.allowed_hosts],
  origins: api.allowed_origins,
});
const config = liveConfig({
  api: {
    host: "hermes.lan",
    allowed_hosts: ["Bot.example.com"],
    allowed_origins: ["https://app.example.com"],
  },
});
const door = createDoorkeeper(config, visitors);

describe("Host", () => {
  for (const host of [
    "localhost",
    "LOCALHOST:18791",
    "127.0.0.1:18791",
    "192.168.1.5",
    "[::1]:18791",
    "hermes.lan",
    "bot.example.com",
    "BOT.example.com:443",
  ])
    test(`${host} is served`, () => {
      expect(door.servesHost(host)).toBe(true);
      expect(door.servesHost(host)).toBe(true);
    });
  for (const host of [
    null,
    "",
    "evil.example",
    "localhost.evil.example",
    "localhost.",
    "evil.example:localhost",
    "user@localhost",
    "localhost/x",
    "localhost,evil.example",
    "127.0.0.1.evil.example",
    "2130706433",
    "0x7f.1",
    "[evil]",
    "::1",
    "example.com",
    "localhost:999999",
  ])
    test(`${host} is refused`, () => {
      expect(door.servesHost(host)).toBe(false);
    });

  test("a name that is taken off the list is refused at once", () => {
    const changing = liveConfig({ api: { allowed_hosts: ["old.example"] } });
    const keeper = createDoorkeeper(changing, visitors);
    expect(keeper.servesHost("old.example")).toBe(true);
    changing.change((next) => {
      next.api.allowed_hosts = [];
    });
    expect(keeper.servesHost("old.example")).toBe(false);
  });
});

describe("Origin", () => {
  for (const [origin, allowed] of [
    ["https://app.example.com", true],
    ["http://localhost:18791", true],
    ["https://localhost:18791", true],
    ["http://localhost:3000", false],
    ["http://localhost", false],
    ["http://app.example.com", false],
    ["https://app.example.com:8443", false],
    ["https://app.example.com.evil.example", false],
    ["https://APP.example.com/", false],
    ["null", false],
    ["", false],
    ["file://", false],
  ] as const)
    test(`${origin || "an empty one"}: ${allowed}`, () => {
      expect(door.allowsOrigin(origin, "localhost:18791")).toBe(allowed);
    });
});
