import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { ApprovalStore } from "../store/contract.ts";
import type { Approval, ApprovalDecision } from "../store/records.ts";
import type { ApprovalAnswer, ApprovalRequest } from "../tools/contract.ts";
import type { RunWriter } from "./run-writer.ts";
import type { TurnClock } from "./turn-clock.ts";

/** Who ends a wait that ends by itself. */
const NOBODY = "hermes";

/** The approvals that turns of this process wait for. */
export interface Approvals {
  /** What asks for the calls of one turn. */
  approver(turn: ApprovingTurn): Approver;
  /** See `Agent.decide`. */
  decide(runId: string, approvalId: string, decision: ApprovalDecision): Promise<void>;
  /** Learns what was decided in other processes. */
  lookUp(): Promise<void>;
}

/** A turn that may have to ask. */
export interface ApprovingTurn {
  runId: string;
  /** Not its first start: an earlier one may have asked already. */
  resumed: boolean;
  writer: RunWriter;
  /** Stands still while somebody is asked. */
  clock: TurnClock;
  signal: AbortSignal;
}

/** See `ToolContext.approve`; `callId` is the call that asks. */
export type Approver = (
  callId: string,
  request: ApprovalRequest,
  withdrawn?: AbortSignal,
) => Promise<ApprovalAnswer>;

/** What approvals are made from. */
export interface ApprovalsParts {
  store: ApprovalStore;
  /** How long to wait for a decision, in milliseconds; asked each time. */
  timeoutMs: () => number;
  log: Log;
}

/**
 * Asks through the store: the question is a row and an event of the run, the decision is written to the row by whichever
 * process it is made in, and a question that was open when its process died is taken up again by the next one. A decision counts
 * for its call once, also when the process dies before the call begins.
 */
export function createApprovals({ store, timeoutMs, log }: ApprovalsParts): Approvals {
  const waiting = new Map<string, (decision: ApprovalDecision) => void>();

  /** Decides in nobody's name, unless somebody was faster; that decision counts then. */
  async function giveUp(runId: string, id: string, reason: string): Promise<ApprovalDecision> {
    const decision = { approved: false, by: NOBODY, reason };
    try {
      await store.decide(runId, id, decision);
      return decision;
    } catch (error) {
      if (error instanceof AppError && error.code === "conflict")
        return (await store.decided([id]))[0]?.decision ?? decision;
      log.warn("a denial could not be written", { run: runId, error });
      return decision;
    }
  }

  /** Resolves with the decision, or with why there is none. Rejects with the reason of `signal`. */
  function decisionOf(id: string, signal: AbortSignal, withdrawn: AbortSignal | undefined) {
    const { promise, resolve, reject } = Promise.withResolvers<ApprovalDecision | string>();
    const limitMs = timeoutMs();
    const timer = setTimeout(
      resolve,
      limitMs,
      `nobody decided within ${limitMs} ms (agent.approval_timeout_ms).`,
    );
    const abort = () => reject(signal.reason);
    const withdraw = () => resolve("it is not asked for any more.");
    waiting.set(id, resolve);
    signal.addEventListener("abort", abort);
    withdrawn?.addEventListener("abort", withdraw);
    if (withdrawn?.aborted) withdraw();
    if (signal.aborted) abort();
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(id);
      signal.removeEventListener("abort", abort);
      withdrawn?.removeEventListener("abort", withdraw);
    });
  }

  return {
    approver({ runId, resumed, writer, clock, signal }) {
      let left: ReturnType<ApprovalStore["left"]> | undefined; // what an earlier start asked
      const takeLeft = async (callId: string, request: ApprovalRequest) => {
        if (!resumed) return null;
        left ??= store.left(runId);
        const known = await left;
        const index = known.findIndex((one) => one.callId === callId && isSame(one, request));
        return index < 0 ? null : (known.splice(index, 1)[0] ?? null);
      };
      const ask = async (id: string, withdrawn?: AbortSignal): Promise<ApprovalDecision> => {
        const said = await decisionOf(id, signal, withdrawn);
        return typeof said === "string" ? giveUp(runId, id, said) : said;
      };

      return async (callId, request, withdrawn) => {
        signal.throwIfAborted();
        const resume = clock.pause();
        try {
          const known = await takeLeft(callId, request);
          const id = known?.id ?? newId("apr");
          if (!known) await writer.requestApproval({ id, callId, ...request });
          const decision = known?.decision ?? (await ask(id, withdrawn));
          if (!known?.settled) await writer.settleApproval(id, decision);
          return decision.approved ? { approved: true } : { approved: false, reason: reasonOf(decision) };
        } finally {
          resume();
        }
      };
    },
    async decide(runId, approvalId, decision) {
      await store.decide(runId, approvalId, decision);
      waiting.get(approvalId)?.(decision);
    },
    async lookUp() {
      if (waiting.size === 0) return;
      for (const { id, decision } of await store.decided([...waiting.keys()]))
        if (decision) waiting.get(id)?.(decision);
    },
  };
}

function isSame(known: Approval, { tool, question, details }: ApprovalRequest): boolean {
  return known.tool === tool && known.question === question && known.details === details;
}

function reasonOf({ by, reason }: ApprovalDecision): string {
  if (by === NOBODY) return reason ?? "nobody approved it.";
  return reason ? `it was denied: ${/[.!?。！？]$/.test(reason) ? reason : `${reason}.`}` : "it was denied.";
}
