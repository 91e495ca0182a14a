import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { FinishReason, ModelEvent, ModelRequest, ResolvedModel } from "../models/contract.ts";
import { priced } from "../models/info.ts";
import type { NewMessage, ToolCallRecord, Usage } from "../store/records.ts";
import type { Budget } from "./budget.ts";
import type { RunWriter } from "./run-writer.ts";
import { estimateMessages, estimateTokens, estimateTools } from "./tokens.ts";

/** How many tokens may stream in between two looks at the budget. */
const BUDGET_CHECK_TOKENS = 256;

/** The whole answer of one model call. */
export interface ModelStep {
  text: string;
  reasoning: string;
  toolCalls: ToolCallRecord[];
  finish: FinishReason;
  usage: Usage;
  /** The one that answered, which a fallback makes another than the one asked. */
  model: string;
  providerData?: unknown;
}

/** What a model call needs. */
export interface ModelStepParts {
  model: ResolvedModel;
  request: ModelRequest;
  budget: Budget;
  writer: RunWriter;
  signal: AbortSignal;
}

/**
 * One model call: streams its text to the run's events, watches the budget, and gives the whole answer. Reading goes at the
 * pace of writing, but never waits for the disk. What an unfinished call has used by estimate is spent all the same.
 */
export async function callModel(parts: ModelStepParts): Promise<ModelStep> {
  const { model, request, budget, writer, signal } = parts;
  const inputTokens = estimateMessages(request.messages) + estimateTools(request.tools);
  const answer = { text: "", reasoning: "", toolCalls: [] as ToolCallRecord[] };
  let outputTokens = 0;
  let checkAt = 0;
  const estimated = () => priced({ inputTokens, outputTokens }, model.info);
  const count = (text: string) => {
    outputTokens += estimateTokens(text);
    if (outputTokens < checkAt) return;
    budget.during({ inputTokens, outputTokens });
    checkAt = outputTokens + BUDGET_CHECK_TOKENS;
  };
  const take = (event: Exclude<ModelEvent, EndEvent>) => {
    switch (event.type) {
      case "text":
        answer.text += event.text;
        writer.delta(event.text);
        return count(event.text);
      case "reasoning":
        answer.reasoning += event.text;
        return count(event.text);
      case "tool_call":
        answer.toolCalls.push(event.call);
        return count(event.call.arguments);
      case "restart":
        return takeBack(answer, writer);
    }
  };

  try {
    for await (const events of model.stream(request, signal)) {
      signal.throwIfAborted();
      for (const event of events)
        if (event.type === "end") {
          const usage = isMeasured(event.usage) ? event.usage : estimated();
          budget.spend(usage);
          const { type: _, ...end } = event;
          return { ...answer, ...end, usage };
        } else take(event);
      await writer.room();
    }
    throw new AppError("model_bad_answer", "The model's answer broke off.", { hint: "Try again." });
  } catch (error) {
    if (outputTokens > 0) budget.spend(estimated());
    throw error;
  }
}

type EndEvent = Extract<ModelEvent, { type: "end" }>;

function isMeasured({ inputTokens, outputTokens }: Usage): boolean {
  return inputTokens + outputTokens > 0;
}

/** Forgets what a call that is made again had said, also in the eyes of those who read along. */
export function takeBack(
  answer: { text: string; reasoning: string; toolCalls: unknown[] },
  writer: RunWriter,
): void {
  if (answer.text !== "") writer.event({ type: "message.delta", delta: "", reset: true });
  answer.text = "";
  answer.reasoning = "";
  answer.toolCalls.length = 0;
}

/** The step as it is stored. Ids of calls are made unique within the run, as some providers number anew at every step. */
export function assistantMessage(step: ModelStep, earlier: readonly NewMessage[]): NewMessage {
  const used = new Set(earlier.flatMap((message) => message.toolCalls ?? []).map((call) => call.id));
  const toolCalls = step.toolCalls.map((call) => {
    const id = call.id === "" || used.has(call.id) ? newId("call") : call.id;
    used.add(id);
    return { ...call, id };
  });
  return {
    role: "assistant",
    parts: step.text === "" ? [] : [{ type: "text", text: step.text }],
    usage: step.usage,
    model: step.model,
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(step.reasoning === "" ? {} : { reasoning: step.reasoning }),
    ...(step.providerData === undefined ? {} : { providerData: step.providerData }),
  };
}
