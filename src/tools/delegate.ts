import { Type } from "typebox";
import type { RunStatus } from "../store/records.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "./contract.ts";
import { cutText } from "./text.ts";
import { wrapUntrusted } from "./untrusted.ts";

/** The longest answer of a sub-task that goes back whole. The rest of it stays in the session of the sub-task. */
const MAX_ANSWER_CHARS = 40_000;
const MAX_TASK_CHARS = 50_000;

/** What a child agent is asked to do. It knows nothing but this. */
export interface SubTask {
  task: string;
  /** What it has to know. */
  context?: string;
  /** Tool or group names that it is narrowed to; absent: what the caller has. */
  tools?: readonly string[];
  /** `provider/model`; absent: the configured default. */
  model?: string;
}

/** How a sub-task ended. */
export interface SubTaskOutcome {
  runId: string;
  sessionId: string;
  status: Extract<RunStatus, "completed" | "failed" | "cancelled">;
  response: string | null;
  error: { code: string; message: string; hint?: string } | null;
  usage: { inputTokens: number; outputTokens: number; costUsd?: number };
}

/** What the agent gives the tool. */
export interface Delegation {
  /**
   * Runs a sub-task to its end, as a durable run of its own with the caller's rights or fewer. The same call of the same run
   * finds the sub-task that it began before. Rejects with the reason of `context.signal`, which ends the sub-task too, and
   * before it begins with `forbidden`, `unknown_tool`, `unknown_model` and what else `Agent.accept` refuses.
   */
  run(task: SubTask, context: ToolContext): Promise<SubTaskOutcome>;
}

/** The delegate group. */
export function delegateTools(delegation: Delegation): Tool[] {
  return [
    defineTool({
      name: "delegate_task",
      group: "delegate",
      title: "Delegate a sub-task",
      description:
        "Give a self-contained sub-task to another agent and get its answer. It sees nothing of this conversation; several calls in one step run side by side.",
      input: Type.Object(
        {
          task: Type.String({ minLength: 1, maxLength: MAX_TASK_CHARS, pattern: "\\S" }),
          context: Type.Optional(
            Type.String({ maxLength: MAX_TASK_CHARS, description: "Facts it needs to know." }),
          ),
          tools: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
              maxItems: 100,
              description: "Tools or groups it may use; default: yours. Name as few as will do.",
            }),
          ),
          model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        },
        { additionalProperties: false },
      ),
      output: Type.Object(
        {
          run_id: Type.String(),
          session_id: Type.String(),
          status: Type.String(),
          response: Type.String(),
          truncated: Type.Boolean(),
          usage: Type.Object({
            input_tokens: Type.Integer(),
            output_tokens: Type.Integer(),
            cost_usd: Type.Optional(Type.Number()),
          }),
        },
        { additionalProperties: false },
      ),
      effect: "write",
      openWorld: true,
      resumes: true,
      run: async (input, context) => resultOf(await delegation.run(input, context)),
    }),
  ];
}

/**
 * The answer of a child is as trustworthy as what the child has read, which its parent cannot know: it goes to the model as
 * data, like everything from outside.
 */
function resultOf({ runId, sessionId, status, response, error, usage }: SubTaskOutcome): ToolResult {
  const said = response ?? "";
  const answer = cutText(said, MAX_ANSWER_CHARS);
  const truncated = answer !== said;
  const structured = {
    run_id: runId,
    session_id: sessionId,
    status,
    response: answer,
    truncated,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      ...(usage.costUsd === undefined ? {} : { cost_usd: usage.costUsd }),
    },
  };
  if (status === "completed") {
    const rest = truncated
      ? "\nThe answer is cut. Delegate smaller tasks, or ask for a file with the result."
      : "";
    return { text: `${wrapUntrusted(answer, `sub-task ${runId}`)}${rest}`, structured };
  }
  const why = error ? [error.message, error.hint].filter(Boolean).join(" ") : "It was cancelled.";
  return { text: `The sub-task ${status} (${runId}). ${why}`, structured, isError: true };
}
