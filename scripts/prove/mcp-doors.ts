import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runHermes } from "../../tests/support/hermes.ts";
import { openSession, postLegacy, postModern } from "../../tests/support/mcp.ts";
import { messageOf } from "../../tests/support/mcp-requests.ts";
import { type Message, type Part, serveMcp, startStdio } from "./mcp-world.ts";

/** The keys that the lists are compared for: what they may use differs. */
const KEYS = {
  owner: "the-key-of-the-owner-for-this-proof",
  reader: "the-key-of-a-reader-for-this-proof",
  coder: "the-key-of-a-coder-for-this-proof",
} as const;
const AUTH = {
  type: "api_key",
  api_keys: [KEYS.owner],
  keys: [
    { name: "reader", token: KEYS.reader, scopes: ["read"] },
    { name: "coder", token: KEYS.coder, scopes: ["chat", "tools"], tools: ["file", "memory"] },
  ],
};

/** Calls that answer the same however often they are made; half of them go wrong. */
const CALLS: readonly (readonly [tool: string, args: unknown])[] = [
  ["memory_read", { key: "city" }],
  ["memory_read", { key: "absent" }],
  ["memory_read", {}],
  ["memory_read", { key: "city", more: 1 }],
  ["memory_read", { key: 7 }],
  ["memory_search", { query: "Hangzhou" }],
  ["memory_write", { key: "" }],
  ["memory_delete", { key: "absent" }],
  ["todolist_list", {}],
  ["todolist_list", { status: "lost" }],
  ["todolist_update", { id: "absent", title: "x" }],
  ["session_search", { query: "nothing" }],
  ["session_read", { session_id: "absent" }],
  ["skill_list", {}],
  ["skill_load", { name: "greeting" }],
  ["skill_load", { name: "absent" }],
  ["file_read", { path: "notes.txt" }],
  ["file_read", { path: "picture.png" }],
  ["file_read", { path: "../config.yaml" }],
  ["file_list", {}],
  ["file_search", { query: "second" }],
  ["file_edit", { path: "notes.txt", old_text: "absent", new_text: "x" }],
  ["terminal_run", { command: "echo out; echo err >&2; exit 3" }],
  ["terminal_run", { command: "cat", stdin: "from stdin" }],
  ["terminal_process", { action: "poll", id: "absent" }],
  ["web_search", { query: "x" }],
  ["web_extract", { url: "http://127.0.0.1:9/" }],
  ["delegate_task", { task: " " }],
  ["no_such_tool", {}],
];
/** What differs from call to call: durations, and the marks around text from outside. */
const VARYING = /"duration_ms":\d+|(?<=untrusted )[0-9a-z]{12}(?=[ >])/g;
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/** One registry: every door shows the same tools, byte for byte, and answers a call in the same way. */
export async function proveDoors({ verdict }: Part): Promise<void> {
  const server = await serveMcp({ auth: AUTH });
  const { url, home } = server;
  try {
    makeThings(home);
    const root = url.origin;
    const get = async (key: string) =>
      (await fetch(`${root}/tools`, { headers: { "x-api-key": key } })).text();
    const post = (body: object) =>
      fetch(`${root}/execute`, {
        method: "POST",
        headers: { "x-api-key": KEYS.owner, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    await post({ tool: "memory_write", arguments: { key: "city", value: "Hangzhou" } });

    const sizes: string[] = [];
    for (const [name, key] of Object.entries(KEYS)) {
      const shown = await get(key);
      const bytes = shown.slice('{"tools":'.length, -1);
      sizes.push(`${name} ${JSON.parse(shown).tools.length} (${Buffer.byteLength(shown)})`);
      for (const [door, text] of Object.entries(await listedBy(url, home, key)))
        if (!text.includes(`"tools":${bytes}`))
          verdict.violation(`${door} and GET /tools differ for ${name}`);
    }
    verdict.figure("tools (bytes) that every door lists alike", sizes.join(", "));
    const printed = await runHermes(["mcp", "tools", "--json"], home);
    if (printed.stdout.trim() !== (await get(KEYS.owner)))
      verdict.violation("hermes mcp tools --json differs from GET /tools");

    let same = 0;
    for (const [name, args] of CALLS) {
      const executed = await post({ tool: name, arguments: args });
      const body = (await executed.json()) as Message;
      for (const [door, message] of Object.entries(await calledBy(url, name, args))) {
        const problem = difference(executed.status, body, message);
        if (problem === null) same += 1;
        else
          verdict.violation(`${name} ${JSON.stringify(args)}: POST /execute and ${door} differ: ${problem}`);
      }
    }
    verdict.figure("calls that answer alike at POST /execute and by tools/call", same);
  } finally {
    await server.remove();
  }
}

function makeThings(home: string): void {
  const workspace = join(home, "workspace");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "notes.txt"), "first line\nsecond line\n");
  writeFileSync(join(workspace, "picture.png"), Buffer.from(PIXEL, "base64"));
  const skill = join(home, "skills/greeting");
  mkdirSync(skill, { recursive: true });
  writeFileSync(join(skill, "SKILL.md"), "---\nname: greeting\ndescription: Greets.\n---\nSay hello.\n");
}

/** The answers to `tools/list` as they come, by door. */
async function listedBy(url: URL, home: string, key: string): Promise<Record<string, string>> {
  const session = await openSession(url, key);
  const stdio = await startStdio(home, { HERMES_API_KEY: key });
  try {
    return {
      "tools/list in a session": await (
        await postLegacy(url, { id: 1, method: "tools/list" }, { key, session })
      ).text(),
      "tools/list of 2026-07-28": await (await postModern(url, "tools/list", {}, { key })).text(),
      "tools/list over stdio": JSON.stringify(await stdio.request("tools/list")),
    };
  } finally {
    stdio.kill();
    await stdio.exited;
  }
}

async function calledBy(url: URL, name: string, args: unknown): Promise<Record<string, Message>> {
  const key = KEYS.owner;
  const params = { name, arguments: args };
  const session = await openSession(url, key);
  const legacy = await postLegacy(url, { id: 1, method: "tools/call", params }, { key, session });
  const modern = await postModern(url, "tools/call", params, { key });
  return {
    "tools/call in a session": await messageOf(legacy),
    "tools/call of 2026-07-28": await messageOf(modern),
  };
}

/** Null when both say the same. A tool that does not exist is an error of the door, in its own form. */
function difference(status: number, executed: Message, { result, error }: Message): string | null {
  if (status !== 200 || error !== undefined)
    return status === 422 && error?.code === -32602
      ? null
      : `${status} ${JSON.stringify(executed)}, ${JSON.stringify(error)}`;
  const { resultType: _, _meta: __, ...called } = result;
  const [left, right] = [executed, called].map((one) => JSON.stringify(one).replace(VARYING, ""));
  return left === right ? null : `${left}, ${right}`;
}
