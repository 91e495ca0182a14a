import type { FinishReason, ResolvedModel } from "../models/contract.ts";
import type { NewRunEvent, Run, RunError, Usage } from "../store/records.ts";
import { sessionIdOf } from "../tools/contract.ts";

/** Usage as it is shown outside, in the names of the REST API. */
export interface PublicUsage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  cached_tokens?: number;
  reasoning_tokens?: number;
  cost_usd?: number;
}

/**
 * The life of a run. REST streams it, platforms edit their message with it, webhooks publish it. Every event also carries
 * `type` and `run_id`. `message.delta` with `reset: true` takes back the text since the last tool, `message.steered` or the
 * start: the model call behind it is made again (a retry, or a restart of Hermes). `message.steered` tells of a message that came
 * meanwhile and that the turn has taken in: unless a tool follows, the text before it stays, and the answer goes on behind it.
 * `response` has every answer that the turn gave, so also those before a `message.steered`. `run.started` comes once per start, so a run that went on
 * after a restart has several, the later ones with `resumed: true`. `approval.requested` asks for a decision on a call, which
 * `approval.decided` tells of; a question that was open at a restart stays open under its id. Of `tool.progress` only the latest
 * matters.
 */
export type RunEvent =
  | { type: "run.started"; session_id: string; model: string; resumed?: true }
  | { type: "message.delta"; delta: string; reset?: true }
  | { type: "message.steered"; text: string }
  | { type: "tool.started"; tool: string; call_id: string; arguments: string }
  | { type: "tool.progress"; tool: string; call_id: string; message: string; done?: number; total?: number }
  | {
      type: "approval.requested";
      approval_id: string;
      tool: string;
      call_id: string;
      question: string;
      details: string;
    }
  | { type: "approval.decided"; approval_id: string; approved: boolean; reason?: string }
  | { type: "tool.completed"; tool: string; call_id: string; is_error: boolean; result: string }
  | {
      type: "run.completed";
      response: string;
      session_id: string;
      model: string;
      finish_reason: FinishReason;
      usage: PublicUsage;
    }
  | {
      type: "run.failed";
      status: "failed" | "cancelled";
      session_id: string;
      error: RunError;
      usage: PublicUsage;
    };

/** Between two answers of one turn. */
export const ANSWER_GAP = "\n\n";

/** The event as it is stored and sent: one line of JSON with the run's id. */
export function encodeEvent(runId: string, { type, ...rest }: RunEvent): NewRunEvent {
  return { type, data: JSON.stringify({ type, run_id: runId, ...rest }) };
}

/** How a run begins. */
export function startedEvent(
  { sessionKey }: Pick<Run, "sessionKey">,
  { info }: ResolvedModel,
): Extract<RunEvent, { type: "run.started" }> {
  return { type: "run.started", session_id: sessionIdOf(sessionKey), model: info.ref };
}

/** True for the event after which no other comes. */
export function isFinal(type: string): boolean {
  return type === "run.completed" || type === "run.failed";
}

/** Usage in the names of the REST API. */
export function publicUsage(usage: Usage): PublicUsage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    ...(usage.cachedTokens === undefined ? {} : { cached_tokens: usage.cachedTokens }),
    ...(usage.reasoningTokens === undefined ? {} : { reasoning_tokens: usage.reasoningTokens }),
    ...(usage.costUsd === undefined ? {} : { cost_usd: usage.costUsd }),
  };
}
