import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { ModelRequest, ModelTool, ResolvedModel } from "../models/contract.ts";
import type { SessionStore } from "../store/contract.ts";
import type { NewMessage } from "../store/records.ts";
import { sessionIdOf } from "../tools/contract.ts";
import type { Budget } from "./budget.ts";
import { buildContext, type ContextParts } from "./context.ts";
import { type CurrentTurn, type History, loadHistory, MAX_HISTORY_MESSAGES, summaryEnd } from "./history.ts";
import { systemPrompt } from "./prompt.ts";
import { summarise } from "./summary.ts";
import { estimateTools } from "./tokens.ts";

/** Of the window, because the estimate of tokens is only one. */
const WINDOW_SHARE = 0.9;
/** Kept free for the answer when nothing says how long it may get; never more than a quarter of the window. */
const ANSWER_TOKENS = 8_192;

/** What the requests of a turn are made from. */
export interface RequestParts {
  model: ResolvedModel;
  config: LiveConfig;
  sessions: SessionStore;
  budget: Budget;
  current: CurrentTurn;
  /** Of the request; see `TurnRequest.instructions`. */
  instructions: string | undefined;
  /** What the tools say in the system prompt, asked once. */
  notes: () => Promise<readonly string[]>;
  signal: AbortSignal;
  log: Log;
}

/** The next request, from what the turn has said so far. Throws `invalid_request` when that does not fit the model. */
export type RequestBuilder = (messages: readonly NewMessage[], tools: ModelTool[]) => Promise<ModelRequest>;

/** Makes the requests of one turn: reads the history once, and summarises its oldest turns when it does not fit. */
export function createRequestBuilder(parts: RequestParts): RequestBuilder {
  const { model, config, sessions, current, log } = parts;
  let history: History | null = null;
  let notes: readonly string[] | null = null;
  let summarised = false;

  const contextFor = (
    known: History,
    messages: readonly NewMessage[],
    budgetTokens: number,
  ): ContextParts => ({
    system: systemPrompt({
      custom: config.current.agent.system_prompt,
      instructions: parts.instructions,
      sessionId: sessionIdOf(current.sessionKey),
      now: new Date(),
      notes: notes ?? [],
    }),
    summary: known.summary,
    history: known.turns,
    current: messages,
    senses: model.info,
    budgetTokens,
  });

  return async (messages, tools) => {
    history ??= await loadHistory(sessions, current);
    notes ??= await parts.notes();
    const budgetTokens = messageTokens(parts, tools);
    let context = buildContext(contextFor(history, messages, budgetTokens));
    const isLong = history.turns.reduce((sum, turn) => sum + turn.length, 0) > MAX_HISTORY_MESSAGES;
    if (!summarised && (context.leftOut > 0 || isLong)) {
      summarised = true; // once in a turn, also when it fails
      try {
        history = await shorten(history, context.leftOut, budgetTokens, parts);
        context = buildContext(contextFor(history, messages, budgetTokens));
      } catch (error) {
        parts.signal.throwIfAborted();
        log.warn("the history was not summarised; its oldest turns are left out", {
          session: current.sessionKey,
          error,
        });
      }
    }
    const { max_output_tokens, temperature } = config.current.model;
    return {
      messages: context.messages,
      tools,
      ...(max_output_tokens === undefined ? {} : { maxOutputTokens: max_output_tokens }),
      ...(temperature === undefined ? {} : { temperature }),
    };
  };
}

/** The history with a summary in place of what does not fit, and of its older half at least, so that this is not due again soon. */
async function shorten(
  history: History,
  leftOut: number,
  budgetTokens: number,
  { model, sessions, budget, current, signal }: RequestParts,
): Promise<History> {
  const covered = Math.max(leftOut, Math.ceil(history.turns.length / 2));
  const turns = history.turns.slice(0, covered);
  const rest = history.turns.slice(covered);
  const { text, usage } = await summarise({
    model,
    previous: history.summary,
    turns,
    budgetTokens: Math.floor(budgetTokens / 2),
    signal,
  });
  budget.spend(usage, false);
  await sessions.saveSummary(current.sessionKey, { text, throughId: summaryEnd(turns, rest, current) });
  return { summary: text, turns: rest };
}

/** What the messages of a request may cost: the window without the answer and the tools. */
function messageTokens({ model, config }: RequestParts, tools: ModelTool[]): number {
  const { contextTokens, maxOutputTokens } = model.info;
  const window = Math.min(contextTokens, config.current.agent.context_tokens ?? contextTokens);
  const wanted =
    config.current.model.max_output_tokens ?? Math.min(maxOutputTokens ?? ANSWER_TOKENS, ANSWER_TOKENS);
  const answer = Math.min(wanted, Math.floor(window / 4));
  return Math.floor(window * WINDOW_SHARE) - answer - estimateTools(tools);
}
