import { describe, expect, test } from "bun:test";
import { checkConfig } from "../../src/config/check.ts";
import { liveConfig } from "../support/agent.ts";

/** What is wrong with lists of tools. */
function faultsOf(config: Record<string, unknown>): [message: string, hint?: string][] {
  const { faults } = checkConfig(liveConfig(config).current);
  return faults.map(({ message, hint }) => (hint === undefined ? [message] : [message, hint]));
}

const telegram = (more: object) => ({ platforms: { telegram: { bot_token: "1:a", ...more } } });

describe("a list of tools", () => {
  test("takes groups, tools, and those of outside servers", () => {
    const tools = ["memory", "mcp", "file_read", "web_search", "mcp_github_create_issue"];
    const servers = { tools: { mcp_servers: { github: { command: "npx" } } } };
    expect(faultsOf({ ...telegram({ tools }), ...servers })).toEqual([]);
  });

  test("of a platform, an account or a chat takes nothing else", () => {
    const hint = 'Did you mean "memory"?';
    expect(faultsOf(telegram({ tools: ["web", "memry"] }))).toEqual([
      ['platforms.telegram.tools[1]: there is no tool or group called "memry"', hint],
    ]);
    expect(faultsOf(telegram({ chats: { "-5": { tools: ["memry"] } } }))).toEqual([
      ['platforms.telegram.chats.-5.tools[0]: there is no tool or group called "memry"', hint],
    ]);
    const accounts = [{ name: "work", bot_token: "1:a", tools: ["memry"] }];
    expect(faultsOf({ platforms: { telegram: { accounts } } })).toEqual([
      ['platforms.telegram.accounts[0].tools[0]: there is no tool or group called "memry"', hint],
    ]);
  });

  test("of a key takes nothing else", () => {
    const keys = [{ name: "a", token: "long-enough-for-a-token-of-tests", tools: ["file_raed"] }];
    expect(faultsOf({ api: { auth: { keys } } })).toEqual([
      [
        'api.auth.keys[0].tools[0]: there is no tool or group called "file_raed"',
        'Did you mean "file_read"?',
      ],
    ]);
  });

  test("names the groups where nothing is near, and no server that is not there", () => {
    const [[message, hint] = []] = faultsOf(telegram({ tools: ["mcp_github_create_issue"] }));
    expect(message).toEndWith('called "mcp_github_create_issue"');
    expect(hint).toStartWith("The groups are: memory, todolist, ");
  });
});

describe("a model", () => {
  test("of a chat is checked as model.default is", () => {
    const chats = { "-5": { model: "claude" }, "-6": { model: "opnrouter/x" } };
    const accounts = [{ name: "work", bot_token: "1:a", chats: { "-7": { model: "nothing" } } }];
    expect(faultsOf(telegram({ chats })).map(([message]) => message)).toEqual([
      "platforms.telegram.chats.-5.model must be provider/model, such as openrouter/anthropic/claude-sonnet-4",
      'platforms.telegram.chats.-6.model names the provider "opnrouter", which is not known',
    ]);
    expect(faultsOf({ platforms: { telegram: { accounts } } }).map(([message]) => message)).toEqual([
      "platforms.telegram.accounts[0].chats.-7.model must be provider/model, such as openrouter/anthropic/claude-sonnet-4",
    ]);
  });
});

describe("the public key of a Discord application", () => {
  const discord = (application_public_key: string) =>
    faultsOf({ platforms: { discord: { bot_token: "a", application_public_key } } });

  test("is 64 hexadecimal digits", () => {
    expect(discord("0123456789abcdefABCDEF0123456789".repeat(2))).toEqual([]);
    const fault =
      "platforms.discord.application_public_key is not a public key: that has 64 hexadecimal digits";
    const hint = "It is the Public Key under General Information of the application.";
    for (const key of ["...", "0".repeat(63), "0".repeat(65), "g".repeat(64), `${"0".repeat(64)}\n`])
      expect(discord(key)).toEqual([[fault, hint]]);
  });
});
