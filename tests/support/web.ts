import { join } from "node:path";
import { Value } from "typebox/value";
import { createSafeFetch, type SafeFetch } from "../../src/lib/safe-fetch.ts";
import type { Caller, Tool, ToolResult } from "../../src/tools/contract.ts";
import { createToolRegistry } from "../../src/tools/registry.ts";
import type { ReadPage } from "../../src/tools/web/reader.ts";
import { webTools } from "../../src/tools/web/tools.ts";
import { liveConfig, OWNER } from "./agent.ts";
import { quietLog } from "./store.ts";

/** The pages that the tests of the web tools read. */
export const PAGES = join(import.meta.dir, "../tools/web/pages");

/** A fetch that may reach the servers of the tests. */
export const reachLoopback = createSafeFetch({ allowCidrs: () => ["127.0.0.0/8"] });

export interface WebOptions {
  fetch?: SafeFetch;
  read?: ReadPage;
  /** Section `tools.web`. */
  web?: Record<string, unknown>;
}

/** What a web tool answered, its data checked against the tool's own output schema. */
// biome-ignore lint/suspicious/noExplicitAny: the schema has just been checked
export type WebResult = ToolResult & { data: any };

/** The web tools behind a registry, as a caller has them. */
export function openWebTools({ fetch = reachLoopback, read, web = {} }: WebOptions = {}) {
  const log: string[] = [];
  const config = liveConfig({ tools: { web } });
  const tools = webTools({ config, fetch, ...(read ? { read } : {}) });
  const registry = createToolRegistry({
    tools: () => tools,
    enabledGroups: () => ["web"],
    log: quietLog(log),
  });
  const call = async (
    name: string,
    input: Record<string, unknown>,
    { caller = OWNER, signal = new AbortController().signal }: { caller?: Caller; signal?: AbortSignal } = {},
  ): Promise<WebResult> => {
    const result = await registry.call(name, input, { caller, signal });
    const { output } = tools.find((tool) => tool.name === name) as Tool & {
      output: NonNullable<Tool["output"]>;
    };
    if (!result.isError) {
      const problems = [...Value.Errors(output, result.structured)];
      if (problems.length > 0) throw new Error(`${name} breaks its own schema: ${JSON.stringify(problems)}`);
    }
    return { ...result, data: result.structured };
  };
  return {
    log,
    extract: (
      url: string,
      more: Record<string, unknown> = {},
      who: { caller?: Caller; signal?: AbortSignal } = {},
    ) => call("web_extract", { url, ...more }, who),
    search: (query: string, more: Record<string, unknown> = {}) => call("web_search", { query, ...more }),
  };
}

export interface Site extends AsyncDisposable {
  url(path: string): string;
  /** Paths, in the order in which they were asked for. */
  readonly hits: string[];
}

/** A web server on loopback that answers by path; what is not listed is 404. */
export function startSite(answers: Readonly<Record<string, () => Response | Promise<Response>>>): Site {
  const hits: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      hits.push(pathname);
      return answers[pathname]?.() ?? new Response("nothing here", { status: 404 });
    },
  });
  return {
    hits,
    url: (path) => new URL(path, server.url).href,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

export const html = (body: string | Uint8Array<ArrayBuffer>, type = "text/html; charset=utf-8") =>
  new Response(body, { headers: { "content-type": type } });

/** What stands between the marks of an untrusted block. */
export function unwrapped(text: string): string {
  const match = /^<<<untrusted (\w+) source="[^"]*">>>\n([\s\S]*)\n<<<end untrusted \1>>>/.exec(text);
  if (!match?.[2]) throw new Error(`not marked as untrusted: ${text.slice(0, 200)}`);
  return match[2];
}
