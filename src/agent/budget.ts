import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { ModelInfo } from "../models/contract.ts";
import { priced } from "../models/info.ts";
import type { Usage } from "../store/records.ts";
import { addUsage, NO_USAGE } from "./usage.ts";

/** What one turn has spent of what it may spend. Every limit that is reached is thrown as `budget_exceeded`. */
export interface Budget {
  /** Everything spent so far, by the turn and by its sub-tasks. */
  readonly usage: Usage;
  /** Model calls made so far. */
  readonly steps: number;
  /** Whether a further model call may be made; other limits may end it all the same. */
  readonly hasStepLeft: boolean;
  /** Before a model call. */
  beforeStep(): void;
  /** While a model call streams: what it has used up to now, by estimate. */
  during(estimate: { inputTokens: number; outputTokens: number }): void;
  /** A finished model call. `isStep: false` for calls that are no step of the turn, such as a summary. */
  spend(usage: Usage, isStep?: boolean): void;
  /** What a sub-task has spent up to now. Said again, it replaces what was said before. */
  charge(subTaskId: string, usage: Usage): void;
  /** Throws when more is spent than may be. */
  check(): void;
  /** True once a sub-task was charged. */
  readonly hasSubTasks: boolean;
  /** What is left for a sub-task; nothing of it is set aside. */
  left(): SpendLimits;
}

/** What a turn may spend. */
export type SpendLimits = Pick<Config["agent"], "max_steps" | "max_tokens" | "max_cost_usd">;

/** The budget that a sub-task's spending counts against too: its parent's. */
export type UpperBudget = Pick<Budget, "check"> & { charge(usage: Usage): void };

/**
 * `limits` is asked at every check, so that a change of the configuration counts at once. What is spent counts against `upper`
 * as it is spent, so that sub-tasks side by side never spend together what only one of them may.
 */
export function createBudget(
  limits: () => SpendLimits,
  info: ModelInfo,
  upper: () => UpperBudget | null = () => null,
): Budget {
  let own = NO_USAGE;
  let steps = 0;
  const subTasks = new Map<string, Usage>();
  const total = () => {
    let sum = own;
    for (const usage of subTasks.values()) sum = addUsage(sum, usage);
    return sum;
  };

  const check = (spent: Usage) => {
    const { max_tokens, max_cost_usd } = limits();
    if (spent.inputTokens + spent.outputTokens > max_tokens)
      throw exceeded(`${max_tokens} tokens`, "agent.max_tokens");
    if (max_cost_usd !== undefined && (spent.costUsd ?? 0) > max_cost_usd)
      throw exceeded(`$${max_cost_usd}`, "agent.max_cost_usd");
  };

  return {
    get usage() {
      return total();
    },
    get steps() {
      return steps;
    },
    get hasStepLeft() {
      return steps < limits().max_steps;
    },
    get hasSubTasks() {
      return subTasks.size > 0;
    },
    beforeStep() {
      const { max_steps } = limits();
      if (steps >= max_steps) throw exceeded(`${max_steps} model calls`, "agent.max_steps");
      check(total());
      upper()?.check();
    },
    during(estimate) {
      const spent = addUsage(total(), priced(estimate, info));
      check(spent);
      const above = upper();
      above?.charge(spent);
      above?.check();
    },
    spend(more, isStep = true) {
      own = addUsage(own, more);
      if (isStep) steps += 1;
      upper()?.charge(total());
    },
    charge(subTaskId, usage) {
      subTasks.set(subTaskId, usage);
      upper()?.charge(total());
    },
    check() {
      check(total());
      upper()?.check();
    },
    left() {
      const { max_steps, max_tokens, max_cost_usd } = limits();
      const { inputTokens, outputTokens, costUsd = 0 } = total();
      return {
        max_steps: Math.max(1, max_steps - steps),
        max_tokens: Math.max(0, max_tokens - inputTokens - outputTokens),
        ...(max_cost_usd === undefined ? {} : { max_cost_usd: Math.max(0, max_cost_usd - costUsd) }),
      };
    },
  };
}

/** The stricter of two limits, each for each. */
export function narrowLimits(a: SpendLimits, b: SpendLimits): SpendLimits {
  const costs = [a.max_cost_usd, b.max_cost_usd].filter((cost) => cost !== undefined);
  return {
    max_steps: Math.min(a.max_steps, b.max_steps),
    max_tokens: Math.min(a.max_tokens, b.max_tokens),
    ...(costs.length > 0 ? { max_cost_usd: Math.min(...costs) } : {}),
  };
}

/** Warns, once for each model, that a limit of cost cannot hold because the price of the model is not known. */
export function createPriceWarning(log: Log): (limits: SpendLimits, info: ModelInfo) => void {
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
