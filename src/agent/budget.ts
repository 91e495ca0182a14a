import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { ModelInfo } from "../models/contract.ts";
import { priced } from "../models/info.ts";
import type { Usage } from "../store/contract.ts";
import { addUsage, NO_USAGE } from "./usage.ts";

/** What one turn has spent of what it may spend. Every limit that is reached is thrown as `budget_exceeded`. */
export interface Budget {
  /** Everything spent so far. */
  readonly usage: Usage;
  /** Model calls made so far. */
  readonly steps: number;
  /** Before a model call. */
  beforeStep(): void;
  /** While a model call streams: what it has used up to now, by estimate. */
  during(estimate: { inputTokens: number; outputTokens: number }): void;
  /** A finished model call. `isStep: false` for calls that are no step of the turn, such as a summary. */
  spend(usage: Usage, isStep?: boolean): void;
}

type Limits = Pick<Config["agent"], "max_steps" | "max_tokens" | "max_cost_usd">;

/** `limits` is asked at every check, so that a change of the configuration counts at once. */
export function createBudget(limits: () => Limits, info: ModelInfo): Budget {
  let usage = NO_USAGE;
  let steps = 0;

  const check = (spent: Usage) => {
    const { max_tokens, max_cost_usd } = limits();
    if (spent.inputTokens + spent.outputTokens > max_tokens)
      throw exceeded(`${max_tokens} tokens`, "agent.max_tokens");
    if (max_cost_usd !== undefined && (spent.costUsd ?? 0) > max_cost_usd)
      throw exceeded(`$${max_cost_usd}`, "agent.max_cost_usd");
  };

  return {
    get usage() {
      return usage;
    },
    get steps() {
      return steps;
    },
    beforeStep() {
      const { max_steps } = limits();
      if (steps >= max_steps) throw exceeded(`${max_steps} model calls`, "agent.max_steps");
      check(usage);
    },
    during(estimate) {
      check(addUsage(usage, priced(estimate, info)));
    },
    spend(more, isStep = true) {
      usage = addUsage(usage, more);
      if (isStep) steps += 1;
    },
  };
}

/** Warns, once for each model, that a limit of cost cannot hold because the price of the model is not known. */
export function createPriceWarning(log: Log): (limits: Limits, info: ModelInfo) => void {
  const warned = new Set<string>();
  return ({ max_cost_usd }, { ref, inputUsdPerMillion, outputUsdPerMillion }) => {
    const isPriced = inputUsdPerMillion !== null && outputUsdPerMillion !== null;
    if (max_cost_usd === undefined || isPriced || warned.has(ref)) return;
    warned.add(ref);
    log.warn("agent.max_cost_usd does not limit this model: its price is not known", { model: ref });
  };
}

/** The error of a turn that took too long, from `agent.turn_timeout_ms`. */
export function timeExceeded(limitMs: number): AppError {
  return exceeded(`${limitMs} ms`, "agent.turn_timeout_ms");
}

function exceeded(limit: string, key: string): AppError {
  return new AppError("budget_exceeded", `The turn was stopped: it may use ${limit} and no more.`, {
    hint: `Raise ${key}, or ask for less at once.`,
  });
}
