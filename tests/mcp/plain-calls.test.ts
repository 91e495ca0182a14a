import { expect, test } from "bun:test";
import type { McpFeatures } from "../../src/mcp/contract.ts";
import { createMcpEndpoint } from "../../src/mcp/endpoint.ts";
import type { Caller } from "../../src/tools/contract.ts";
import { OWNER, openTestMcp, testTool } from "../support/mcp.ts";
import { INITIALIZE, MCP_ACCEPT, messageOf, modern, rpc } from "../support/mcp-requests.ts";
import { quietLog } from "../support/store.ts";

const READ = { name: "memory_read", arguments: { key: "k" } };
const LIMITED: Caller = { ...OWNER, principal: "limited", scopes: [] };
const LOG_LEVEL = "io.modelcontextprotocol/logLevel";
const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";

interface Sent {
  headers?: Record<string, string | null>;
  /** Put over the body, over its params, over their `_meta`. */
  body?: object;
  params?: object;
  meta?: object;
  caller?: Caller;
}

/** Calls that are made twice, and whether the second one is made plainly. */
const MODERN_CALLS: [name: string, sent: Sent, plainly: boolean][] = [
  ["a call", {}, true],
  ["an id that is text", { body: { id: "ä-1" } }, true],
  ["id 0", { body: { id: 0 } }, true],
  ["another tool", { params: { name: "todolist_list", arguments: {} } }, true],
  ["a tool that writes", { params: { name: "memory_delete", arguments: { key: "none" } } }, true],
  ["no arguments", { params: { name: "todolist_list", arguments: undefined } }, true],
  ["a result that is an error", { params: { arguments: { key: "not there" } } }, true],
  ["arguments that do not fit", { params: { arguments: { key: 7, more: true } } }, true],
  ["arguments named like the prototype", { params: { arguments: JSON.parse('{"__proto__":1}') } }, false],
  ["a charset", { headers: { "content-type": "application/json; charset=utf-8" } }, true],
  ["no Accept", { headers: { accept: null } }, true],
  ["an Accept of JSON only", { headers: { accept: "application/json" } }, true],
  ["capabilities", { meta: { [CAPABILITIES]: { elicitation: {} } } }, true],
  ["metadata of its own", { meta: { "example.com/x": [1] } }, true],
  ["a progress token", { meta: { progressToken: 7 } }, true],
  ["another progress token", { meta: { progressToken: "p" } }, true],
  ["a broken progress token", { meta: { progressToken: 1.5 } }, false],
  ["a member of its own", { body: { other: 1 } }, false],
  ["a caller who may not", { caller: LIMITED }, false],
  ["a tool that there is not", { params: { name: "memory_raed" } }, false],
  ["a tool that is not plain", { params: { name: "terminal_test", arguments: { word: "x" } } }, false],
  ["a log level", { meta: { [LOG_LEVEL]: "debug" } }, false],
  ["a log level, and an error", { meta: { [LOG_LEVEL]: "warning" }, params: { arguments: {} } }, false],
  ["a bad log level", { meta: { [LOG_LEVEL]: "loud" } }, false],
  ["no id", { body: { id: undefined } }, false],
  ["id null", { body: { id: null } }, false],
  ["a broken number as id", { body: { id: 1.5 } }, false],
  ["an object as id", { body: { id: {} } }, false],
  ["another jsonrpc", { body: { jsonrpc: "1.0" } }, false],
  ["a result beside the method", { body: { result: {} } }, false],
  ["no params", { body: { params: undefined } }, false],
  ["arguments that are a list", { params: { arguments: [] } }, false],
  ["arguments that are null", { params: { arguments: null } }, false],
  ["a name that is none", { params: { name: 7 } }, false],
  ["a state that nobody gave", { params: { requestState: "forged" } }, false],
  ["answers that nobody asked for", { params: { inputResponses: {} } }, false],
  ["no Mcp-Method", { headers: { "mcp-method": null } }, false],
  ["another Mcp-Method", { headers: { "mcp-method": "tools/list" } }, false],
  ["no Mcp-Name", { headers: { "mcp-name": null } }, false],
  ["another Mcp-Name", { headers: { "mcp-name": "memory_write" } }, false],
  ["an Mcp-Name in Base64", { headers: { "mcp-name": "=?base64?bWVtb3J5X3JlYWQ=?=" } }, true],
  ["another version in the header", { headers: { "mcp-protocol-version": "2026-12-31" } }, false],
  [
    "another version in the body",
    { meta: { "io.modelcontextprotocol/protocolVersion": "2025-11-25" } },
    false,
  ],
  ["no metadata", { params: { _meta: undefined } }, false],
  ["metadata that are none", { params: { _meta: 1 } }, false],
  ["no capabilities", { meta: { [CAPABILITIES]: undefined } }, false],
  ["bad capabilities", { meta: { [CAPABILITIES]: 1 } }, false],
  ["a bad client", { meta: { "io.modelcontextprotocol/clientInfo": { name: 1 } } }, false],
  ["another type", { headers: { "content-type": "text/plain" } }, false],
];

test("a modern call that is made plainly is answered as the SDK answers it, byte for byte", async () => {
  await using doors = await openDoors();
  for (const [name, sent, plainly] of MODERN_CALLS) {
    const { headers, body } = modern("tools/call", { ...READ, ...sent.params });
    const request = { headers, body: { ...body, params: { ...body.params, ...sent.params } } };
    await doors.bySdk(request, sent);
    const expected = await doors.bySdk(request, sent);
    const first = await doors.byHermes(request, sent);
    const countBefore = doors.plainCalls;
    const second = await doors.byHermes(request, sent);
    expect([name, await shown(first)]).toEqual([name, await shown(expected.clone())]);
    expect([name, await shown(second)]).toEqual([name, await shown(expected)]);
    expect([name, doors.plainCalls > countBefore]).toEqual([name, plainly]);
  }
});

const LEGACY_CALLS: [name: string, sent: Sent, plainly: boolean][] = [
  ["a call", {}, true],
  ["a result that is an error", { params: { arguments: { key: "not there" } } }, true],
  ["no version", { headers: { "mcp-protocol-version": null } }, true],
  ["metadata", { params: { _meta: { progressToken: "p" } } }, true],
  ["a tool that writes", { params: { name: "memory_delete", arguments: { key: "none" } } }, false],
  ["a tool that is not plain", { params: { name: "terminal_test", arguments: {} } }, false],
  ["a tool that there is not", { params: { name: "memory_raed" } }, false],
  ["a caller who may not", { caller: LIMITED }, false],
  ["arguments that are a list", { params: { arguments: [] } }, false],
  ["a broken number as id", { body: { id: 1.5 } }, false],
  ["an unknown version", { headers: { "mcp-protocol-version": "2024-01-01" } }, false],
  ["an Accept without streams", { headers: { accept: "application/json" } }, false],
  ["another type", { headers: { "content-type": "text/plain" } }, false],
];

test("in a session it is the same message, as JSON", async () => {
  await using doors = await openDoors();
  const sdkSession = await doors.openSession("sdk");
  const session = await doors.openSession("hermes");
  for (const [name, sent, plainly] of LEGACY_CALLS) {
    const request = (id: string) => ({
      headers: { "mcp-protocol-version": "2025-11-25", "mcp-session-id": id },
      body: rpc("tools/call", { ...READ, ...sent.params }),
    });
    const expected = await doors.bySdk(request(sdkSession), sent);
    const message = await messageOf(expected);
    const first = await doors.byHermes(request(session), sent);
    expect([name, first.status, await messageOf(first)]).toEqual([name, expected.status, message]);
    const countBefore = doors.plainCalls;
    const second = await doors.byHermes(request(session), sent);
    expect([name, second.status]).toEqual([name, expected.status]);
    const isJson = second.headers.get("content-type") === "application/json";
    if (plainly) expect([name, isJson, second.headers.get("mcp-session-id")]).toEqual([name, true, session]);
    expect([name, await messageOf(second)]).toEqual([name, message]);
    expect([name, doors.plainCalls > countBefore]).toEqual([name, plainly]);
  }
});

test("a session that asks for logs gets streams from then on", async () => {
  await using doors = await openDoors();
  const headers = {
    "mcp-protocol-version": "2025-11-25",
    "mcp-session-id": await doors.openSession("hermes"),
  };
  const types: (string | null)[] = [];
  const call = async () => {
    const answer = await doors.byHermes({ headers, body: rpc("tools/call", READ) });
    types.push(answer.headers.get("content-type"));
    return answer.text();
  };
  await call();
  await call();
  const body = rpc("logging/setLevel", { level: "debug" });
  await (await doors.byHermes({ headers, body })).text();
  expect(await call()).toContain("notifications/message");
  expect(types).toEqual(["text/event-stream", "application/json", "text/event-stream"]);
});

test("the id, the arguments and the progress token may differ from call to call", async () => {
  await using doors = await openDoors();
  for (const mark of [1, 2, "three"]) {
    const call = modern("tools/call", { ...READ, arguments: { key: `k${mark}` } }, mark);
    const { id } = await messageOf(await doors.byHermes(call, { meta: { progressToken: mark } }));
    expect(id).toBe(mark);
  }
  expect(doors.plainCalls).toBe(2);
});

test("what a session accepts counts only in sessions", async () => {
  await using doors = await openDoors();
  const { body } = modern("tools/call", READ); // a session does not look at what it says of its revision
  const headers = { "mcp-protocol-version": "2025-11-25" };
  const inSession = { body, headers: { ...headers, "mcp-session-id": await doors.openSession("hermes") } };
  for (let i = 0; i < 2; i++) await (await doors.byHermes(inSession)).text();
  expect(doors.plainCalls).toBe(1);
  const [answer, expected] = [await doors.byHermes({ body, headers }), await doors.bySdk({ body, headers })];
  expect(await shown(answer)).toEqual(await shown(expected));
  expect(answer.status).toBe(400);
});

test("a call whose client is gone is not made", async () => {
  await using doors = await openDoors();
  const request = modern("tools/call", READ);
  await doors.byHermes(request);
  const answer = await doors.byHermes(request, { signal: AbortSignal.abort() });
  expect([doors.plainCalls, answer.status]).toEqual([0, 499]);
});

test("two callers of one shape each get their own", async () => {
  await using doors = await openDoors();
  const other: Caller = { ...OWNER, principal: "other" };
  const request = modern("tools/call", READ);
  const texts: string[] = [];
  for (const caller of [OWNER, other, OWNER, other])
    texts.push((await messageOf(await doors.byHermes(request, { caller }))).result.content[0].text);
  expect(doors.plainCalls).toBe(3);
  expect([texts[2], texts[3]]).toEqual([texts[0] ?? "", texts[1] ?? ""]);
  expect(texts[0]).toContain("ü");
  expect(texts[1]).not.toContain("ü");
});

test("long shapes are not kept, and all are forgotten once there are many", async () => {
  await using doors = await openDoors();
  const call = (mark: string) => doors.byHermes(modern("tools/call", READ), { meta: { mark } });
  for (let i = 0; i < 2; i++) await call("x".repeat(5000));
  expect(doors.plainCalls).toBe(0);
  for (let i = 0; i < 1000; i++) await call(String(i));
  await call("0");
  expect(doors.plainCalls).toBe(1);
  await call("one more");
  await call("one more");
  expect(doors.plainCalls).toBe(2);
  await call("0");
  expect(doors.plainCalls).toBe(2);
});

interface Spec {
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** The same features behind two endpoints: as they are, and so that every call goes through the SDK. */
async function openDoors() {
  const slow = testTool("terminal_test", (_context, word) => `said ${word}`);
  const mcp = await openTestMcp({ tools: [slow], mcp: {} });
  await mcp.registry.call("memory_write", { key: "k", value: "ü" }, contextOf(OWNER));
  let plainCalls = 0;
  const { callPlainly, ...tools } = mcp.features.tools;
  const counted: McpFeatures["tools"] = {
    ...tools,
    callPlainly(...call) {
      const answer = callPlainly?.(...call);
      if (answer !== undefined) plainCalls += 1;
      return answer;
    },
  };
  const parts = { config: mcp.config, version: "0.0.0-test", log: quietLog() };
  const hermes = createMcpEndpoint({ ...parts, features: { ...mcp.features, tools: counted } });
  const sdk = createMcpEndpoint({ ...parts, features: { ...mcp.features, tools } });
  const send =
    (endpoint: typeof sdk) =>
    (spec: Spec, { signal, ...sent }: Sent & { signal?: AbortSignal } = {}) => {
      const headers = new Headers({
        accept: MCP_ACCEPT,
        "content-type": "application/json",
        ...spec.headers,
      });
      for (const [name, value] of Object.entries(sent.headers ?? {}))
        if (value === null) headers.delete(name);
        else headers.set(name, value);
      const params = spec.body["params"] as { name?: unknown; _meta?: object };
      if (headers.has("mcp-name") && sent.headers?.["mcp-name"] === undefined)
        headers.set("mcp-name", String(params.name));
      const withMeta = sent.meta ? { ...params, _meta: { ...params._meta, ...sent.meta } } : params;
      const text = JSON.stringify({ ...spec.body, params: withMeta, ...sent.body });
      const request = new Request(mcp.url, {
        method: "POST",
        headers,
        body: text,
        ...(signal && { signal }),
      });
      const caller = sent.caller ?? OWNER;
      return endpoint.handle({ request, body: JSON.parse(text), caller, keyId: "key" });
    };
  return {
    byHermes: send(hermes),
    bySdk: send(sdk),
    get plainCalls() {
      return plainCalls;
    },
    async openSession(door: "hermes" | "sdk") {
      const answer = await send(door === "sdk" ? sdk : hermes)({ headers: {}, body: INITIALIZE });
      await answer.text();
      return answer.headers.get("mcp-session-id") ?? "";
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([hermes.close(), sdk.close()]);
      await mcp[Symbol.asyncDispose]();
    },
  };
}

function contextOf(caller: Caller) {
  return { caller, signal: new AbortController().signal };
}

/** An answer as it is compared: how long a call took, which its log line tells, is not what makes two differ. */
async function shown(answer: Response) {
  const body = (await answer.text()).replace(/"duration_ms":\d+/g, '"duration_ms":0');
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
}
