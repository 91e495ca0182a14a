import { describe, expect, test } from "bun:test";
import {
  CLIENT_KINDS,
  connect,
  openSession,
  openTestMcp,
  postLegacy,
  postModern,
  testTool,
} from "../support/mcp.ts";

/** A tool that runs until its signal aborts, and tells both. */
function endlessTool() {
  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const tool = testTool("terminal_endless", ({ signal }) => {
    started.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        aborted.resolve();
        reject(signal.reason);
      });
    });
  });
  return { tool, started: started.promise, aborted: aborted.promise };
}

const CALL = { name: "terminal_endless", arguments: {} };

describe("a call ends", () => {
  for (const kind of CLIENT_KINDS)
    test(`when the client cancels it: ${kind}`, async () => {
      const { tool, started, aborted } = endlessTool();
      await using mcp = await openTestMcp({ tools: [tool] });
      await using client = await connect(kind, mcp.url);
      const cancel = new AbortController();
      const request = { method: "tools/call", params: CALL } as const;
      const call =
        kind === "sdk v1"
          ? (client.callTool.bind(client) as (...args: unknown[]) => Promise<unknown>)(CALL, undefined, {
              signal: cancel.signal,
            })
          : client.callTool(request.params, { signal: cancel.signal });
      const failed = call.then(
        () => "answered",
        () => "cancelled",
      );
      await started;
      cancel.abort();
      await aborted;
      expect(await failed).toBe("cancelled");
      // The connection goes on.
      expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    });

  test("when the client of a modern request is gone", async () => {
    const { tool, started, aborted } = endlessTool();
    await using mcp = await openTestMcp({ tools: [tool] });
    const leaving = new AbortController();
    const answer = postModern(mcp.url, "tools/call", CALL, { signal: leaving.signal }).catch(() => "gone");
    await started;
    leaving.abort();
    await aborted;
    expect(await answer).toBe("gone");
  });

  for (const version of ["2025-06-18", "2025-11-25"])
    test(`when the client of a session is gone and does not come back: ${version}`, async () => {
      const { tool, started, aborted } = endlessTool();
      await using mcp = await openTestMcp({ tools: [tool] });
      const session = await openSession(mcp.url, "none", version);
      const leaving = new AbortController();
      const message = { id: 7, method: "tools/call", params: CALL };
      // Before 2025-11-25 nothing is said before the answer, so that nothing can be awaited here.
      const answer = postLegacy(mcp.url, message, { session, version, signal: leaving.signal });
      const gone = answer.then((stream) => stream.text()).catch(() => "gone");
      await started;
      leaving.abort();
      await aborted;
      expect(await gone).toBe("gone");
      expect((await postLegacy(mcp.url, { id: 7, method: "ping" }, { session, version })).status).toBe(200);
    });

  test("when its session ends", async () => {
    const { tool, started, aborted } = endlessTool();
    await using mcp = await openTestMcp({ tools: [tool] });
    const session = await openSession(mcp.url);
    await postLegacy(mcp.url, { id: 7, method: "tools/call", params: CALL }, { session });
    await started;
    mcp.endpoint.dropKeys(() => false);
    await aborted;
  });
});

test("a call goes on for a client that comes back, which then gets the answer", async () => {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let wasAborted = false;
  const tool = testTool("terminal_slow", async ({ signal }) => {
    signal.addEventListener("abort", () => {
      wasAborted = true;
    });
    started.resolve();
    await released.promise;
    return "the answer";
  });
  const deserted = endlessTool();
  await using mcp = await openTestMcp({ tools: [tool, deserted.tool] });
  const session = await openSession(mcp.url);
  const leaving = new AbortController();
  const message = { id: 7, method: "tools/call", params: { name: "terminal_slow", arguments: {} } };
  const answer = await postLegacy(mcp.url, message, { session, signal: leaving.signal });
  const first = (answer.body as ReadableStream<Uint8Array>).getReader();
  let seen = "";
  while (!/^id: .+$/m.test(seen)) seen += new TextDecoder().decode((await first.read()).value);
  await started.promise;
  leaving.abort();
  const lastEventId = /^id: (.+)$/m.exec(seen)?.[1] ?? "";
  const resume = () =>
    fetch(mcp.url, {
      headers: {
        accept: "text/event-stream",
        "mcp-session-id": session,
        "mcp-protocol-version": "2025-11-25",
        "last-event-id": lastEventId,
        "x-api-key": "none",
      },
    });
  let again = await resume();
  while (again.status === 409) again = await resume(); // the server has not seen the end of the first stream yet
  expect(again.status).toBe(200);
  // A client that leaves now and stays away shows when the time to come back is over.
  const gone = new AbortController();
  const other = await openSession(mcp.url);
  await postLegacy(
    mcp.url,
    { id: 7, method: "tools/call", params: CALL },
    { session: other, signal: gone.signal },
  );
  await deserted.started;
  gone.abort();
  await deserted.aborted;
  expect(wasAborted).toBe(false);
  released.resolve();
  expect(await again.text()).toContain("the answer");
});
