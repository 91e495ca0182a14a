import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Hermes, startHermes } from "../support/hermes.ts";
import { INITIALIZE, messageOf, rpc, sendMcp } from "../support/mcp-requests.ts";

setDefaultTimeout(60_000);

const KEY = "a-key-for-recorded-clients-only";
const ARGS = ["mcp", "--transport", "http", "--port", "0"];
const config = { mcp: { auth: { api_keys: [KEY] } }, log: { level: "warn" } };

let hermes: Hermes;
beforeAll(async () => {
  hermes = await startHermes({ config, args: ARGS });
});
afterAll(() => hermes.remove());

const authorization = `Bearer ${KEY}`;
/** The addresses that users type in, with and without a path. */
const PATHS = ["/", "/mcp"];
const address = (path: string) => hermes.service.url + path;

/** What Cursor does with an `url`: POST to it as it stands; when that fails, GET of the same, as HTTP+SSE has it. */
describe("Cursor", () => {
  const headers = { authorization, "user-agent": "Cursor/2.4 (linux x64)" };
  /** Cursor's own `initialize`. */
  const begin = rpc(
    "initialize",
    {
      protocolVersion: "2025-06-18",
      capabilities: {
        tools: true,
        prompts: true,
        resources: true,
        logging: false,
        elicitation: {},
        roots: { listChanged: false },
      },
      clientInfo: { name: "cursor-vscode", version: "1.0.0" },
    },
    0,
  );

  for (const path of PATHS)
    test(`is served at the very address: ${path}`, async () => {
      const opened = await sendMcp(address(path), { headers, body: begin });
      const session = opened.headers.get("mcp-session-id") ?? "";
      expect([opened.status, (await messageOf(opened)).result.protocolVersion]).toEqual([200, "2025-06-18"]);
      const inSession = { ...headers, "mcp-session-id": session, "mcp-protocol-version": "2025-06-18" };
      const ready = { jsonrpc: "2.0", method: "notifications/initialized" };
      expect((await sendMcp(address(path), { headers: inSession, body: ready })).status).toBe(202);
      for (const [i, method] of ["tools/list", "prompts/list", "resources/list"].entries()) {
        const answer = await messageOf(
          await sendMcp(address(path), { headers: inSession, body: rpc(method, {}, i + 1) }),
        );
        expect(answer).toMatchObject({
          id: i + 1,
          result: { [method.split("/")[0] ?? ""]: expect.any(Array) },
        });
      }
      const ended = await sendMcp(address(path), { headers: inSession, method: "DELETE" });
      expect(ended.status).toBe(200);
    });

  for (const path of PATHS) {
    test(`with a wrong key it stops at ${path}: 401 twice, and nothing that looks like OAuth`, async () => {
      const wrong = { ...headers, authorization: "Bearer not-the-key" };
      const posted = await sendMcp(address(path), { headers: wrong, body: begin });
      const listened = await sendMcp(address(path), { headers: { ...wrong, accept: "text/event-stream" } });
      for (const answer of [posted, listened]) {
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).not.toContain("resource_metadata");
      }
      for (const suffix of ["", "/mcp"])
        for (const document of [
          "oauth-protected-resource",
          "oauth-authorization-server",
          "openid-configuration",
        ]) {
          const found = await fetch(`${hermes.service.url}/.well-known/${document}${suffix}`);
          expect([document + suffix, found.status]).toEqual([document + suffix, 404]);
        }
    });

    test(`the fall-back to HTTP+SSE ends at ${path} with 405, not with a page or a 404`, async () => {
      const answer = await sendMcp(address(path), { headers: { ...headers, accept: "text/event-stream" } });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, expect.stringContaining("POST")]);
    });
  }
});

/** What VS Code does: POST, a GET for messages in the background, and a new session where the old one is gone. */
describe("VS Code", () => {
  const headers = { authorization, "user-agent": "Visual Studio Code/1.116.0" };
  const begin = {
    ...INITIALIZE,
    params: { ...INITIALIZE.params, clientInfo: { name: "Visual Studio Code", version: "1.116.0" } },
  };

  /** Begins a session; the headers of what follows in it. */
  async function open(url = address("/mcp")): Promise<Record<string, string>> {
    const opened = await sendMcp(url, { headers, body: begin });
    const session = opened.headers.get("mcp-session-id") ?? "";
    expect([opened.status, session]).toEqual([200, expect.stringMatching(/^[\x21-\x7e]+$/)]);
    await opened.text();
    const inSession = { ...headers, "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" };
    const ready = { jsonrpc: "2.0", method: "notifications/initialized" };
    expect((await sendMcp(url, { headers: inSession, body: ready })).status).toBe(202);
    return inSession;
  }

  test("listens in the background while it calls", async () => {
    const inSession = await open();
    const hangUp = new AbortController();
    const listening = { ...inSession, accept: "text/event-stream" };
    const background = await sendMcp(address("/mcp"), { headers: listening, signal: hangUp.signal });
    expect([background.status, background.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const call = rpc("tools/call", { name: "memory_search", arguments: { query: "x" } }, 3);
    expect(await messageOf(await sendMcp(address("/mcp"), { headers: inSession, body: call }))).toMatchObject(
      {
        id: 3,
        result: { structuredContent: { entries: [] } },
      },
    );
    hangUp.abort();
  });

  test("begins a new session where the old one is gone, and goes on", async () => {
    const first = await startHermes({ config, args: ARGS });
    try {
      const url = `${first.service.url}/mcp`;
      const before = await open(url);
      await first.service.stop();
      const port = new URL(url).port;
      const { home } = first;
      const second = await startHermes({ config, home, args: [...ARGS.slice(0, -1), port] });
      try {
        const list = rpc("tools/list", {}, 7);
        const lost = await sendMcp(url, { headers: before, body: list });
        expect([lost.status, (await messageOf(lost)).error.code]).toEqual([404, -32001]);
        const after = await open(url);
        expect(after["mcp-session-id"]).not.toBe(before["mcp-session-id"]);
        const listed = await messageOf(await sendMcp(url, { headers: after, body: list }));
        expect(listed.result.tools.length).toBeGreaterThan(10);
      } finally {
        await second.remove();
      }
    } finally {
      await first.remove();
    }
  });

  test("an answer that is no session ends its search for one", async () => {
    const lost = { ...headers, "mcp-session-id": "never-given-out" };
    for (const body of [rpc("tools/list"), undefined])
      expect((await sendMcp(address("/mcp"), { headers: lost, body })).status).toBe(404);
  });
});
