import { dirname } from "node:path";
import { Value } from "typebox/value";
import { type AgentParts, createAgent } from "../../src/agent/agent.ts";
import type { AgentService, TurnRequest } from "../../src/agent/contract.ts";
import { createDelegation } from "../../src/agent/delegation.ts";
import type { RunEvent } from "../../src/agent/events.ts";
import type { LiveConfig } from "../../src/config/live.ts";
import { type Config, ConfigSchema } from "../../src/config/schema.ts";
import type { ModelRouter } from "../../src/models/contract.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Run, RunEventRecord } from "../../src/store/records.ts";
import { builtinTools } from "../../src/tools/builtin.ts";
import type { Caller, Tool } from "../../src/tools/contract.ts";
import { enabledGroups } from "../../src/tools/policy.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tools/registry.ts";
import { openTempStore, quietLog } from "./store.ts";

export const OWNER: Caller = { door: "api", principal: "owner", scopes: ["read", "chat", "tools", "admin"] };

/** `change` changes it for all readers. */
export interface TestConfig extends LiveConfig {
  change(edit: (config: Config) => void): void;
}

/** A configuration as an empty file gives it, with these values over it. */
export function liveConfig(overrides: Record<string, unknown> = {}): TestConfig {
  return liveConfigOf(Value.Default(ConfigSchema, overrides) as Config);
}

/** A configuration that was read. */
export function liveConfigOf(config: Config): TestConfig {
  let current = config;
  const listeners = new Set<(config: Config) => void>();
  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    change(edit) {
      current = structuredClone(current);
      edit(current);
      for (const listener of listeners) listener(current);
    },
  };
}

export interface AgentOptions {
  models: ModelRouter;
  store?: Store;
  /** Besides the built-in ones. */
  tools?: Tool[];
  agent?: Record<string, unknown>;
  config?: TestConfig;
  fetch?: AgentParts["fetch"];
  fetchFile?: AgentParts["fetchFile"];
  announcer?: AgentParts["announcer"];
  log?: AgentParts["log"];
}

export interface TestAgent extends AsyncDisposable {
  readonly agent: AgentService;
  readonly store: Store;
  readonly config: TestConfig;
  readonly tools: ToolRegistry;
  /** Accepts a message from the owner in session `s1`, unless said otherwise. */
  accept(text: string, change?: Partial<TurnRequest>): Promise<Run>;
  /** The same, and waits for its end. */
  ask(text: string, change?: Partial<TurnRequest>): Promise<Run>;
  finished(runId: string): Promise<Run>;
  /** All events of a run from the first to the final one. */
  events(runId: string): Promise<(RunEvent & { run_id: string })[]>;
}

/** An agent on a real store of its own, or on the given one. */
export async function openTestAgent(options: AgentOptions): Promise<TestAgent> {
  const temp = options.store ? null : await openTempStore();
  const store = options.store ?? (temp?.store as Store);
  const log = options.log ?? quietLog();
  const config = options.config ?? liveConfig({ agent: options.agent ?? {} });
  const fetch = options.fetch ?? (() => Promise.reject(new Error("this test fetches nothing")));
  const home = dirname(store.path);
  const delegation = createDelegation({ agent: () => agent, tools: () => tools, config, log });
  const all = [...builtinTools({ store, config, home, fetch, delegation, log }), ...(options.tools ?? [])];
  const tools: ToolRegistry = createToolRegistry({
    tools: () => all,
    enabledGroups: () => enabledGroups(config.current.tools),
    approvals: { tools: () => config.current.tools, terminalDefault: () => "ask" },
    log,
  });
  const agent: AgentService = createAgent({
    store,
    models: options.models,
    tools,
    config,
    log,
    fetch,
    ...(options.fetchFile ? { fetchFile: options.fetchFile } : {}),
    ...(options.announcer ? { announcer: options.announcer } : {}),
  });
  const never = new AbortController().signal;
  const accept = async (text: string, change: Partial<TurnRequest> = {}) =>
    (await agent.accept({ kind: "chat", caller: OWNER, sessionId: "s1", text, ...change })).run;
  const finished = (runId: string) => agent.finished(runId, never);
  return {
    agent,
    store,
    config,
    tools,
    accept,
    ask: async (text, change) => finished((await accept(text, change)).id),
    finished,
    async events(runId) {
      const all: RunEventRecord[] = [];
      for await (const batch of agent.events(runId, 0, never)) all.push(...batch);
      return all.map((event) => JSON.parse(event.data));
    },
    async [Symbol.asyncDispose]() {
      await agent.stop(0);
      await temp?.[Symbol.asyncDispose]();
    },
  };
}

/** What a client shows after these events: the text since the last tool, with what was taken back gone. */
export function shownText(events: readonly RunEvent[]): string {
  let text = "";
  let kept = 0; // of it, what no reset takes back
  for (const event of events) {
    if (event.type === "tool.started") text = "";
    if (event.type === "message.delta") text = event.reset ? text.slice(0, kept) : text + event.delta;
    if (event.type === "tool.started" || event.type === "message.steered") kept = text.length;
  }
  return text;
}
