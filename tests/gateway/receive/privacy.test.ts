import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { placeOf } from "../../../src/gateway/receive/place.ts";
import type { AccountSettings, InboundMessage, PlatformId } from "../../../src/platforms/contract.ts";
import type { Caller, ToolContext, ToolResult } from "../../../src/tools/contract.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { liveConfig, openTestAgent, type TestAgent } from "../../support/agent.ts";
import { message } from "../../support/chat.ts";

setDefaultTimeout(60_000);

/** Every platform, as its groups and its people are named. */
const PLATFORMS: Record<PlatformId, { group: InboundMessage["address"]; user: string }> = {
  telegram: { group: { chat: "-1005", thread: "7" }, user: "1" },
  discord: { group: { chat: "112233445566778899" }, user: "998877665544332211" },
  slack: { group: { chat: "C02ABC", thread: "1700.0001" }, user: "U012ABC" },
  wecom: { group: { chat: "wrOgQhDg" }, user: "zhang.san" },
  dingtalk: { group: { chat: "cidabc/+==" }, user: "manager4220" },
  feishu: { group: { chat: "oc_5ad1" }, user: "ou_7d8a" },
  wechat: { group: { chat: "a group, if there were any" }, user: "oABC-1" },
};
/** What each tool of a person's own is asked for, so that it would find or change what is the person's. */
const ASKED: Record<string, (known: Known) => object> = {
  memory_read: () => ({ key: "secret" }),
  memory_search: ({ secret }) => ({ query: secret }),
  memory_write: () => ({ key: "secret", value: "overwritten" }),
  memory_delete: () => ({ key: "secret" }),
  session_search: ({ secret }) => ({ query: secret }),
  session_read: ({ sessionId }) => ({ session_id: sessionId }),
  todolist_create: () => ({ todos: [{ title: "another" }] }),
  todolist_list: () => ({}),
  todolist_update: ({ todoId }) => ({ id: todoId, title: "overwritten" }),
};

interface Known {
  secret: string;
  sessionId: string;
  todoId: string;
}

const context = (caller: Caller): ToolContext => ({ caller, signal: new AbortController().signal });
const call = ({ tools }: TestAgent, name: string, input: object, caller: Caller): Promise<ToolResult> =>
  tools.call(name, JSON.stringify(input), context(caller));

/** The tools that know what somebody said before. */
const ownTools = ({ tools }: TestAgent, caller: Caller) =>
  tools.list(caller).filter(({ group }) => ["memory", "todolist", "session"].includes(group));

function placesOf(platform: PlatformId, settings: Record<string, unknown> = {}) {
  const { group, user } = PLATFORMS[platform];
  const config = liveConfig({ platforms: { [platform]: settings } }).current;
  const account = { platform, name: "", settings: config.platforms[platform] as AccountSettings };
  const sender = { id: user, name: "Ann" };
  const place = (change: Partial<InboundMessage>) => placeOf(account, message("hi", { sender, ...change }));
  return {
    direct: place({ address: { chat: user } }),
    group: place({ address: group, scope: "group" }),
    other: place({ address: { chat: `${group.chat}2` }, scope: "group" }),
  };
}

/** Has the caller say, remember and plan something. */
async function keep(agent: TestAgent, secret: string, caller: Caller): Promise<Known> {
  const sessionId = `s${secret.length}`;
  await agent.ask(`my password is ${secret}`, { caller, sessionId });
  await call(agent, "memory_write", { key: "secret", value: secret }, caller);
  const { structured } = await call(
    agent,
    "todolist_create",
    { todos: [{ title: `use ${secret}` }] },
    caller,
  );
  const { todos } = structured as { todos: { id: string }[] };
  return { secret, sessionId, todoId: todos[0]?.id ?? "" };
}

const said = (agent: TestAgent, caller: Caller) =>
  Promise.all(
    [call(agent, "memory_read", { key: "secret" }, caller), call(agent, "todolist_list", {}, caller)].map(
      async (result) => (await result).text,
    ),
  );

describe("what somebody said elsewhere is out of reach of a group", () => {
  for (const platform of Object.keys(PLATFORMS) as PlatformId[])
    test(platform, async () => {
      await using agent = await openTestAgent({ models: scriptedModels([says("noted")]) });
      const { direct, group, other } = placesOf(platform);
      for (const [secret, from, to] of [
        ["swordfish", direct, group],
        ["sailfish", other, group],
        ["catfish", group, direct],
      ] as const) {
        const known = await keep(agent, secret, from.caller);
        const before = await said(agent, from.caller);
        expect(before.join()).toContain(secret);
        const tools = ownTools(agent, to.caller);
        expect(tools.map(({ name }) => name).sort()).toEqual(Object.keys(ASKED).sort());
        for (const { name } of tools) {
          const result = await call(agent, name, ASKED[name]?.(known) ?? {}, to.caller);
          expect(`${name}: ${JSON.stringify(result)}`).not.toContain(secret);
        }
        expect(await said(agent, from.caller)).toEqual(before);
      }
    });
});

test("two people of a group know nothing of one another, either", async () => {
  await using agent = await openTestAgent({ models: scriptedModels([says("noted")]) });
  const { group } = placesOf("telegram");
  const bob = { ...group.caller, principal: group.caller.principal.replace(":1@", ":2@") };
  expect(bob.principal).not.toBe(group.caller.principal);
  await keep(agent, "swordfish", group.caller);
  expect((await said(agent, bob)).join()).not.toContain("swordfish");
});

test("a group that is a person's own, by the configuration, reaches all that the person said", async () => {
  await using agent = await openTestAgent({ models: scriptedModels([says("noted")]) });
  const { direct, group, other } = placesOf("telegram", { chats: { "-1005": { private_memory: true } } });
  const known = await keep(agent, "swordfish", direct.caller);
  for (const name of ["memory_read", "memory_search", "session_search", "session_read", "todolist_list"])
    expect((await call(agent, name, ASKED[name]?.(known) ?? {}, group.caller)).text).toContain("swordfish");
  expect((await said(agent, other.caller)).join()).not.toContain("swordfish");
});

test("a group that moved keeps what it knows", () => {
  const account = {
    platform: "telegram" as const,
    name: "",
    settings: liveConfig({ platforms: { telegram: {} } }).current.platforms.telegram as AccountSettings,
  };
  const at = (chat: string, former: string[] = []) =>
    placeOf(account, message("hi", { address: { chat }, scope: "group" }), former).caller.principal;
  expect(at("-1005", ["-5"])).toBe(at("-5"));
  expect(at("-1005")).not.toBe(at("-5"));
});
