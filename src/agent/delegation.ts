import type { LiveConfig } from "../config/live.ts";
import { AppError } from "../lib/errors.ts";
import { createLimit, type Limit } from "../lib/limit.ts";
import type { Log } from "../lib/log.ts";
import type { Delivery, Run } from "../store/records.ts";
import { type Caller, sessionIdOf, type ToolContext } from "../tools/contract.ts";
import type { Delegation, SubTask, SubTaskOutcome } from "../tools/delegate.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { AgentService, RunningTurn, SubTaskPlace } from "./contract.ts";
import { followSubTask } from "./sub-task-events.ts";
import { NO_USAGE } from "./usage.ts";

/** What delegation works with. */
export interface DelegationParts {
  /** Asked at every use, because the agent has the tool that has this. */
  agent: () => AgentService;
  tools: () => ToolRegistry;
  config: LiveConfig;
  log: Log;
}

/**
 * Sub-tasks as runs of their own: each has a session, a journal and events like any other run, and knows of its parent only
 * what the task says. Its rights are its parent's or fewer, what it spends counts against its parent's budget, and it ends
 * with its parent in every way. After a crash the call that gave it finds it again by its id.
 */
export function createDelegation({ agent, tools, config, log }: DelegationParts): Delegation {
  const limits = new WeakMap<RunningTurn, Limit>();
  const limitOf = (parent: RunningTurn): Limit => {
    const limit = limits.get(parent) ?? createLimit(config.current.tools.delegate.max_parallel);
    limits.set(parent, limit);
    return limit;
  };

  /** The caller with the rights of a sub-task at this depth. */
  function callerOf(caller: Caller, task: SubTask, depth: number): Caller {
    const narrowed = task.tools ? tools().narrow(caller, task.tools) : caller;
    if (depth < config.current.tools.delegate.max_depth) return narrowed;
    const rest = tools()
      .list(narrowed)
      .filter((tool) => tool.group !== "delegate");
    return { ...narrowed, tools: rest.map((tool) => tool.name) };
  }

  async function begin(
    task: SubTask,
    { caller, runId, callId }: ToolContext,
    parent: RunningTurn | null,
  ): Promise<Run> {
    const depth = (parent?.depth ?? 0) + 1;
    if (depth > config.current.tools.delegate.max_depth) throw tooDeep();
    const { run } = await agent().accept({
      kind: "delegate",
      caller: callerOf(caller, task, depth),
      text: task.context ? `${task.task}\n\nContext:\n${task.context}` : task.task,
      ...(task.model === undefined ? {} : { model: task.model }),
      subTask: placeOf(depth, runId, parent),
      ...(runId === undefined || callId === undefined ? {} : { delivery: deliveryOf(runId, callId, task) }),
    });
    parent?.budget?.charge(run.id, run.usage ?? NO_USAGE);
    return run;
  }

  async function runToEnd(
    task: SubTask,
    context: ToolContext,
    parent: RunningTurn | null,
  ): Promise<SubTaskOutcome> {
    const { signal } = context;
    signal.throwIfAborted();
    const { id } = await begin(task, context, parent);
    let isEnding = false;
    const end = () => {
      if (isEnding || isParked(signal.reason)) return; // parked, it goes on after the next start, as its parent does
      isEnding = true;
      agent()
        .cancel(id)
        .catch((error: unknown) => log.error("a sub-task could not be cancelled", { run: id, error }));
    };
    signal.addEventListener("abort", end, { once: true });
    try {
      signal.throwIfAborted();
      await followSubTask(id, { agent: agent(), context, log });
      const ended = await agent().finished(id, signal);
      parent?.budget?.charge(id, ended.usage ?? NO_USAGE);
      return outcomeOf(ended);
    } catch (error) {
      end();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  return {
    async run(task, context) {
      const parent = context.runId === undefined ? null : agent().running(context.runId);
      const work = () => runToEnd(task, context, parent);
      return parent ? limitOf(parent)(work) : work();
    },
  };
}

function placeOf(depth: number, runId: string | undefined, parent: RunningTurn | null): SubTaskPlace {
  const limits = parent?.budget?.left();
  return { depth, ...(runId === undefined || !limits ? {} : { parent: { runId, limits } }) };
}

/** The call of the parent is the delivery, so that the same call never makes a second sub-task. */
function deliveryOf(runId: string, callId: string, task: SubTask): Delivery {
  const fingerprint = new Bun.CryptoHasher("sha256").update(JSON.stringify(task)).digest("hex");
  return { source: `delegate:${runId}`, id: callId, fingerprint };
}

function outcomeOf({ id, sessionKey, status, response, error, usage }: Run): SubTaskOutcome {
  return {
    runId: id,
    sessionId: sessionIdOf(sessionKey),
    status: status === "completed" || status === "failed" ? status : "cancelled",
    response,
    error,
    usage: usage ?? NO_USAGE,
  };
}

function isParked(reason: unknown): boolean {
  return reason instanceof AppError && reason.code === "shutting_down";
}

function tooDeep(): AppError {
  return new AppError("forbidden", "A sub-task this deep may not give sub-tasks of its own.", {
    hint: "Do it yourself. tools.delegate.max_depth says how deep they may go.",
  });
}
