import { describe, expect, test } from "bun:test";
import { hookSettings } from "../../../src/gateway/hooks/settings.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { liveConfig, openTestAgent } from "../../support/agent.ts";
import { HOOK_SECRET, openHookServer } from "../../support/hooks.ts";

const PLATFORMS = { telegram: { bot_token: "1:token", allowed_users: [1], language: "zh" } };
const configOf = (routes: Record<string, unknown>) =>
  liveConfig({ platforms: PLATFORMS, gateway: { webhook: { enabled: true, secret: HOOK_SECRET, routes } } })
    .current;

describe("the rights of a route", () => {
  test("are to read its own rows, unless the operator lists more; nothing that only the owner may do", async () => {
    await using world = await openTestAgent({ models: scriptedModels([says("x")]) });
    const toolsOf = (tools?: string[]) => {
      const settings = hookSettings(configOf({ a: tools === undefined ? {} : { tools } }), "a");
      if (settings === null) throw new Error("there is no such route");
      return { caller: settings.caller, tools: world.tools.list(settings.caller) };
    };
    const plain = toolsOf();
    expect(plain.caller).toEqual({
      door: "webhook",
      principal: "hook.a",
      approval: "deny",
      scopes: ["read"],
    });
    expect(plain.tools.map(({ name }) => name)).toContain("memory_read");
    expect(plain.tools.filter(({ effect }) => effect !== "read")).toEqual([]);
    expect(
      plain.tools.filter(({ group }) => !["memory", "todolist", "session", "skill"].includes(group)),
    ).toEqual([]);
    expect(toolsOf([]).tools).toEqual([]);
    expect(
      toolsOf(["web_search", "todolist"])
        .tools.map(({ name }) => name)
        .toSorted(),
    ).toEqual(["todolist_create", "todolist_list", "todolist_update", "web_search"]);
    const everything = toolsOf(world.tools.names());
    expect(everything.tools.map(({ name }) => name)).not.toContain("skill_save");
    expect(everything.caller.approval).toBe("deny");
  });

  test("and its name space are its own, and the endpoint's are its", () => {
    const config = configOf({ a: {}, hook: {} });
    expect([null, "a", "hook"].map((name) => hookSettings(config, name)?.caller.principal)).toEqual([
      "hook",
      "hook.a",
      "hook.hook",
    ]);
    for (const name of ["b", "constructor", "__proto__", ""]) expect(hookSettings(config, name)).toBeNull();
  });

  test("are none while webhooks are off", () => {
    const off = liveConfig({ gateway: { webhook: { secret: HOOK_SECRET, routes: { a: {} } } } }).current;
    for (const name of [null, "a"]) expect(hookSettings(off, name)).toBeNull();
  });
});

describe("where the answer goes", () => {
  test("to a chat: it waits in the outbox from the acceptance on, once", async () => {
    await using server = await openHookServer(
      { deploy: { deliver: "telegram:42:7", prompt: "Summarise {{payload.n}}." } },
      { config: { platforms: PLATFORMS } },
    );
    const first = await server.told(await server.event("deploy", { n: 1 }, { id: "m1" }));
    await server.event("deploy", { n: 1 }, { id: "m1" });
    await server.agent.finished(String(first.run_id), AbortSignal.timeout(20_000));
    const open = await server.store.deliveries.open("telegram", "", 0, 9);
    expect(open).toMatchObject([
      {
        kind: "answer",
        status: "due",
        runId: first.run_id,
        target: { platform: "telegram", account: "", chat: "42", thread: "7" },
        extra: { language: "zh", scope: "direct" },
      },
    ]);
  });

  test("nowhere when nothing is said", async () => {
    await using server = await openHookServer({ deploy: {} }, { config: { platforms: PLATFORMS } });
    await server.event("deploy", { n: 1 });
    expect(await server.store.deliveries.open("telegram", "", 0, 9)).toEqual([]);
  });
});

describe("a route without a model", () => {
  const routes = {
    alert: { deliver: "telegram:42", deliver_only: true, prompt: "Disk {{payload.disk}} is full." },
  };

  test("puts its text into the outbox, once, and tells how that stands", async () => {
    await using server = await openHookServer(routes, { config: { platforms: PLATFORMS } });
    const first = await server.told(await server.event("alert", { disk: "sda" }, { id: "m1" }));
    expect(first).toEqual({
      httpStatus: 202,
      event_id: expect.stringMatching(/^evt_/),
      run_id: null,
      delivery_id: expect.stringMatching(/^dlv_/),
      status: "received",
    });
    const again = await Promise.all(
      [1, 2, 3].map(() => server.event("alert", { disk: "sda" }, { id: "m1" })),
    );
    for (const answer of again)
      expect(await server.told(answer)).toEqual({ ...first, httpStatus: 200, duplicate: true });
    expect(await server.store.deliveries.open("telegram", "", 0, 9)).toMatchObject([
      { id: first.delivery_id, kind: "send", text: "Disk `sda` is full.", target: { chat: "42" } },
    ]);
    await server.store.deliveries.finish(String(first.delivery_id), [{ messageId: "1" }]);
    expect(await server.told(await server.event("alert", { disk: "sda" }, { id: "m1" }))).toMatchObject({
      status: "done",
      duplicate: true,
    });
    expect((await server.store.counts()).sessions).toBe(0);
  });

  test("tries a message again that was given up", async () => {
    await using server = await openHookServer(routes, { config: { platforms: PLATFORMS } });
    const first = await server.told(await server.event("alert", { disk: "sda" }, { id: "m1" }));
    await server.store.deliveries.bury(String(first.delivery_id), {
      code: "refused",
      message: "no such chat",
    });
    expect(await server.told(await server.event("alert", { disk: "sda" }, { id: "m1" }))).toEqual(first);
  });
});

test("a model that cannot be had is the operator's to mend: the event shall come again, and is no duplicate then", async () => {
  await using server = await openHookServer({ a: { tools: ["no_such_tool"] } });
  const refused = await server.event("a", { n: 1 }, { id: "m1" });
  expect([refused.status, (await refused.json()).code, refused.headers.get("retry-after")]).toEqual([
    503,
    "not_ready",
    "60",
  ]);
  expect(server.log.join("")).toContain("There is no tool or tool group no_such_tool");
  server.config.change((config) => {
    const { a } = config.gateway.webhook.routes;
    if (a !== undefined) a.tools = ["memory"];
  });
  expect((await server.event("a", { n: 1 }, { id: "m1" })).status).toBe(202);
});

test("ids of many digits stay what they are, and a form is its fields", async () => {
  await using server = await openHookServer({ a: { prompt: "{{payload.id}} {{payload.b}}", sync: true } });
  const said = async (body: string, type: string) => {
    const told = await server.told(await server.event("a", body, { headers: { "content-type": type } }));
    return [...(told.response ?? "").matchAll(/^\[value \d\] payload\.\w+: (.*)$/gm)].map(
      ([, value]) => value,
    );
  };
  expect(await said('{"id": 9007199254740993, "b": 1.5}', "application/json")).toEqual([
    '"9007199254740993"',
    "1.5",
  ]);
  expect(await said("id=1&b=x&b=y", "application/x-www-form-urlencoded")).toEqual(['"1"', '["x","y"]']);
  const nested = `payload=${encodeURIComponent('{"id": 7, "b": true}')}`;
  expect(await said(nested, "application/x-www-form-urlencoded")).toEqual(["7", "true"]);
});

test("a number that cannot be held exactly is the text that was sent, and any other one a number", async () => {
  await using server = await openHookServer({ a: { prompt: "{{payload}}", sync: true } });
  const exact = ["0", "-1.5", "0.1", "1e3", "100000000000000", "123456789012.345", "0.000000000000000000000"];
  const inexact = [
    "9007199254740992",
    "-9007199254740993",
    "12345678901234567890.5",
    "0.1234567890123456789",
    "12345678901234.5678",
    "1e400",
    "-1E+400",
    "1e-400",
  ];
  const body = `[${[...exact, ...inexact].join()}]`;
  const { response } = await server.told(await server.event("a", body));
  const [, shown = ""] = /^\[value 1\] payload: (.*)$/m.exec(response ?? "") ?? [];
  expect(JSON.parse(shown)).toEqual([...exact.map(Number), ...inexact]);
});

test("an event without anything that its route tells is refused, so that its sender learns of it", async () => {
  const prompt = "{{payload.text}}\n{{#payload.more}}{{.}}{{/payload.more}}";
  await using server = await openHookServer(
    { a: { prompt }, b: { prompt, deliver_only: true, deliver: "telegram:42" } },
    { config: { platforms: PLATFORMS } },
  );
  for (const route of ["a", "b"]) {
    const told = await server.told(await server.event(route, { txt: "a slip" }));
    expect([told.httpStatus, told.code, told.hint]).toEqual([
      422,
      "invalid_request",
      "Send the fields that the prompt names.",
    ]);
    expect((await server.event(route, { text: "x" })).status).toBe(202);
  }
});

test("a form of very many fields is refused at once, and costs its sender no other event", async () => {
  await using server = await openHookServer();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const form = (fields: number) => Array.from({ length: fields }, (_, i) => `${i.toString(36)}=`).join("&");
  const told = await server.told(await server.event("", form(170_000), { headers }));
  expect([told.httpStatus, told.code]).toEqual([422, "invalid_request"]);
  expect((await server.event("", form(10_000), { headers })).status).toBe(202);
});

test("no header with a secret is there for templates", async () => {
  await using server = await openHookServer({
    a: {
      scheme: "gitlab",
      sync: true,
      prompt: "{{headers.x-gitlab-token}}{{headers.cookie}}{{headers.authorization}}{{headers.x-event}}",
    },
  });
  const headers = {
    "x-gitlab-token": HOOK_SECRET,
    cookie: "a=b",
    authorization: "Bearer x",
    "x-event": "push",
  };
  const told = await server.told(await server.event("a", { n: 1 }, { secret: null, headers }));
  expect(told.response).toContain('[value 1] headers.x-event: "push"');
  expect(told.response).not.toContain("[value 2]");
});
