import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type Frame, readFrames } from "../../scripts/prove/frames.ts";
import { createClient } from "../support/mcp.ts";
import { fetchThrough, INSTALLED, NAME, type Site, startProxy } from "../support/reverse-proxy.ts";
import { MCP_TOKENS, openTestServer, TOKENS } from "../support/server.ts";
import { probeTool } from "../support/tools.ts";

setDefaultTimeout(60_000);

const HEADERS = { authorization: `Bearer ${TOKENS.owner}`, "content-type": "application/json" };

/** A model that says its next word when it is told to. */
function startSlowModel() {
  let say = (_word: string) => {};
  let end = () => {};
  const asked = Promise.withResolvers<void>();
  const chunk = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "slow", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (request.method === "GET") return Response.json({ object: "list", data: [{ id: "slow" }] });
      const body = new ReadableStream<string>({
        start(controller) {
          say = (word) => controller.enqueue(chunk({ content: word }));
          end = () => {
            controller.enqueue(`${chunk({}, "stop")}data: [DONE]\n\n`);
            controller.close();
          };
          asked.resolve();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    asked: asked.promise,
    say: (word: string) => say(word),
    end: () => end(),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

async function openBehind(site: Site, modelUrl: string, tools = [probeTool([])]) {
  const server = await openTestServer({
    tools,
    api: { allowed_hosts: [NAME] },
    mcp: { public_url: `https://${NAME}/mcp` },
    config: {
      network: { trusted_proxies: ["127.0.0.1/32"] },
      model: { default: "slow/slow", retries: 0 },
      providers: { slow: { type: "openai-compatible", base_url: modelUrl, api_key: "sk-canary-0123456789" } },
    },
  });
  const proxy = await startProxy(site, { api: server.port, mcp: server.mcpPort });
  return { server, proxy };
}

for (const site of INSTALLED)
  describe(site, () => {
    /** Each word is said only once the one before has come through: a proxy that collects them would wait for ever. */
    test("the events of a run come one by one while it goes on", async () => {
      await using model = startSlowModel();
      const { server, proxy } = await openBehind(site, model.url);
      await using _server = server;
      await using _proxy = proxy;
      const request = {
        method: "POST",
        headers: HEADERS,
        body: JSON.stringify({ message: "go", stream: true }),
      };
      const answer = await fetchThrough(proxy)(`https://${NAME}/api/v1/chat`, request);
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      const frames = readFrames(answer);
      const next = async () => (await frames.next()).value as Frame;
      expect((await next()).event).toBe("run.started");
      await model.asked;
      const words = ["one ", "two ", "three"];
      for (const word of words) {
        model.say(word);
        expect((await next()).data["delta"]).toBe(word);
      }
      model.end();
      const { event, data } = await next();
      expect([event, data["response"]]).toEqual(["run.completed", words.join("")]);
      expect((await frames.next()).done).toBe(true);
    });

    test("a stream that broke off goes on after Last-Event-ID, and the run minds neither", async () => {
      await using model = startSlowModel();
      const { server, proxy } = await openBehind(site, model.url);
      await using _server = server;
      await using _proxy = proxy;
      const call = fetchThrough(proxy);
      const gone = new AbortController();
      const request = {
        method: "POST",
        headers: HEADERS,
        body: JSON.stringify({ message: "go", stream: true }),
      };
      const first = readFrames(
        await call(`https://${NAME}/api/v1/chat`, { ...request, signal: gone.signal }),
      );
      const runId = String(((await first.next()).value as Frame).data["run_id"]);
      await model.asked;
      model.say("one ");
      const seen = (await first.next()).value as Frame;
      gone.abort();
      await expect(first.next()).rejects.toThrow();
      model.say("two");
      model.end();
      const headers = { ...HEADERS, "last-event-id": seen.id };
      const rest = await Array.fromAsync(
        readFrames(await call(`https://${NAME}/api/v1/runs/${runId}/events`, { headers })),
      );
      expect(rest.map(({ event }) => event)).toEqual(["message.delta", "run.completed"]);
      expect(rest.at(-1)?.data["response"]).toBe("one two");
    });

    for (const era of ["sdk v2 legacy", "sdk v2 modern"] as const)
      test(`MCP over Streamable HTTP: progress comes while the call goes on (${era})`, async () => {
        const heard = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const tool = probeTool([], {
          name: "skill_slow",
          async run(_input, { progress }) {
            for (const [i, one] of heard.entries()) {
              progress?.({ message: `step ${i}` });
              await one.promise;
            }
            return "done";
          },
        });
        const { server, proxy } = await openBehind(site, "http://127.0.0.1:9/v1", [tool]);
        await using _server = server;
        await using _proxy = proxy;
        // The plain file has one name and one port; its second copy is for MCP.
        await using front = site === "hermes.conf" ? await startProxy(site, { api: server.mcpPort }) : proxy;
        await using client = createClient(era);
        await client.connect(
          new StreamableHTTPClientTransport(new URL(`https://${NAME}/mcp`), {
            fetch: fetchThrough(front),
            requestInit: { headers: { "x-api-key": MCP_TOKENS.owner } },
          }),
        );
        const steps: (string | undefined)[] = [];
        const onprogress = ({ progress, message }: { progress: number; message?: string | undefined }) => {
          steps.push(message);
          heard[progress - 1]?.resolve();
        };
        const result = await client.callTool({ name: "skill_slow", arguments: {} }, { onprogress });
        expect([steps, result.content]).toMatchObject([["step 0", "step 1"], [{ text: "done" }]]);
      });
  });
