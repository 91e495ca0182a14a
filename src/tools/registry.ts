import type { Config } from "../config/schema.ts";
import { TOOL_GROUPS } from "../config/tool-groups.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { nearest } from "../lib/nearest.ts";
import { refusal } from "./approval.ts";
import { createArgumentParser } from "./arguments.ts";
import type { ApprovalMode, Caller, Tool, ToolContext, ToolResult } from "./contract.ts";
import { approvalMode, policy } from "./policy.ts";
import { errorResult } from "./result.ts";
import { cutText } from "./text.ts";

/** The longest text that a tool may answer with: what MCP clients take before they put a result into a file. */
export const MAX_RESULT_CHARS = 50_000;

/** All tools of this process, as the agent, MCP and REST see them. */
export interface ToolRegistry {
  /** The tools that the caller may call, in the order of registration: exactly those that `call` accepts from it. */
  list(caller: Caller): Tool[];
  /** The names of all tools that are switched on. */
  names(): string[];
  /** Checks tool and group names; the names of the tools they stand for. Throws `unknown_tool` with the nearest name. */
  resolveNames(names: readonly string[]): string[];
  /**
   * The caller with its tools narrowed to these tool and group names. Throws `unknown_tool`, and `forbidden` for a name of
   * which it may use nothing. Never adds anything.
   */
  narrow(caller: Caller, names: readonly string[]): Caller;
  /**
   * Calls a tool for `context.caller`. Whatever is wrong with the name, the right or the arguments, an approval that is not
   * given, and whatever the tool throws, comes back as a result with `isError`; only the abort of `context.signal` is thrown.
   * `begin` runs right before the tool does, after all that may refuse the call; what it throws is thrown.
   */
  call(
    name: string,
    rawArguments: unknown,
    context: ToolContext,
    begin?: () => Promise<void>,
  ): Promise<ToolResult>;
}

/** What a registry is made from. */
export interface ToolRegistryParts {
  /** All tools there are, asked at every use; the same array as long as nothing has changed. */
  tools: () => readonly Tool[];
  /** The groups that are switched on, asked at every use. */
  enabledGroups: () => readonly string[];
  /** What the operator says of approvals; absent: every call that needs one asks. */
  approvals?: {
    tools: () => Config["tools"];
    /** What becomes of commands when the configuration does not say. Asked only for those. */
    terminalDefault: () => ApprovalMode | Promise<ApprovalMode>;
  };
  log: Log;
}

/** Throws when two tools share a name. */
export function createToolRegistry(parts: ToolRegistryParts): ToolRegistry {
  const { tools, enabledGroups, log } = parts;
  const modeOf = async (tool: Tool, caller: Caller): Promise<ApprovalMode> => {
    if (!parts.approvals) return caller.approval === "deny" ? "deny" : "ask";
    const terminalDefault = tool.group === "terminal" ? await parts.approvals.terminalDefault() : "ask";
    return approvalMode(tool, caller, { tools: parts.approvals.tools(), terminalDefault });
  };
  let indexed: { tools: readonly Tool[]; byName: Map<string, Tool> } = { tools: [], byName: new Map() };
  const index = () => {
    const current = tools();
    if (current !== indexed.tools) indexed = { tools: current, byName: indexByName(current) };
    return indexed;
  };
  index();
  const parseArguments = createArgumentParser();
  const enabled = () => {
    const groups = enabledGroups();
    return tools().filter((tool) => groups.includes(tool.group));
  };
  const list = (caller: Caller) => enabled().filter((tool) => policy(tool, caller).allowed);

  const resolveNames = (names: readonly string[]) => [
    ...new Set(names.flatMap((name) => toolsOf(name).map((tool) => tool.name))),
  ];
  const toolsOf = (name: string): Tool[] => {
    const { tools: all, byName } = index();
    const tool = byName.get(name);
    if (tool) return [tool];
    if ((TOOL_GROUPS as readonly string[]).includes(name)) return all.filter((one) => one.group === name);
    throw unknownTool(name, [...byName.keys(), ...TOOL_GROUPS]);
  };

  return {
    list,
    names: () => enabled().map((tool) => tool.name),
    resolveNames,

    narrow(caller, names) {
      const allowed = new Set(list(caller).map((tool) => tool.name));
      for (const name of names) {
        const meant = toolsOf(name);
        if (meant.length > 0 && !meant.some((tool) => allowed.has(tool.name)))
          throw new AppError("forbidden", `${name} cannot be used here with this key.`, {
            hint: "Leave it out of `tools`, use a key that has it, or switch its group on in tools.groups.",
          });
      }
      return { ...caller, tools: resolveNames(names).filter((name) => allowed.has(name)) };
    },

    async call(name, rawArguments, context, begin) {
      const tool = enabled().find((one) => one.name === name);
      if (!tool) {
        const near = nearest(
          name,
          list(context.caller).map((one) => one.name),
        );
        return errorResult(`There is no tool ${cutText(name, 200)}.${near ? ` Did you mean ${near}?` : ""}`);
      }
      const verdict = policy(tool, context.caller);
      if (!verdict.allowed) return errorResult(verdict.reason);
      const parsed = parseArguments(tool, rawArguments);
      if (!parsed.ok) return errorResult(parsed.problem);
      const refused = await answering(tool, context, log, () => refusal(tool, parsed.input, context, modeOf));
      if (refused) return refused;
      await begin?.();
      return answering(tool, context, log, () => run(tool, parsed.input, context));
    },
  };
}

function indexByName(tools: readonly Tool[]): Map<string, Tool> {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size !== tools.length) throw new Error("Two tools share a name.");
  return byName;
}

async function run(tool: Tool, input: unknown, context: ToolContext): Promise<ToolResult> {
  const result = await tool.run(input, context);
  return { ...result, text: cutText(result.text, MAX_RESULT_CHARS) };
}

/** What the work of a tool throws, as a result. */
async function answering<R>(
  tool: Tool,
  context: ToolContext,
  log: Log,
  work: () => Promise<R>,
): Promise<R | ToolResult> {
  try {
    return await work();
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (error instanceof AppError) {
      log.warn("a tool failed", { tool: tool.name, run: context.runId, code: error.code, error });
      return errorResult(error.hint ? `${error.message} ${error.hint}` : error.message);
    }
    log.error("a tool threw", { tool: tool.name, run: context.runId, error });
    return errorResult(`${tool.name} failed inside Hermes. The log has the details.`);
  }
}

function unknownTool(name: string, known: string[]): AppError {
  const near = nearest(name, known);
  return new AppError("unknown_tool", `There is no tool or tool group ${cutText(name, 200)}.`, {
    hint: near ? `Did you mean ${near}?` : `Known are ${known.join(", ")}.`,
  });
}
