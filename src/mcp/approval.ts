import { createHash } from "node:crypto";
import {
  type ElicitRequestFormParams,
  type InputRequiredResult,
  inputResponse,
} from "@modelcontextprotocol/server";
import { canonicalJson } from "../lib/json.ts";
import type { ApprovalAnswer, ApprovalRequest } from "../tools/contract.ts";
import type { Exchange } from "./contract.ts";
import type { NamedCall } from "./tool-call.ts";

/** People take their time. */
const ANSWER_TIMEOUT_MS = 600_000;
/** The one question of a result that asks for input. */
const QUESTION = "approval";

/** What the state of a question holds: which question was asked. */
interface AskedState {
  approval: string;
}

/** Asks the user behind a client whether a call may go on. */
export interface Approver {
  approve(request: ApprovalRequest, withdrawn?: AbortSignal): Promise<ApprovalAnswer>;
  /** Aborts when the call has to end here, to go on once the client has come back with the answer. */
  readonly suspended: AbortSignal;
  /** The question that a suspended call asks; null when the call was not suspended. */
  question(): Promise<InputRequiredResult | null>;
}

/**
 * By elicitation. Older clients are asked in the middle of the call. The modern revision has no way to ask in between: there
 * the call ends with the question and a signed state, and the client makes it again with the answer, which counts only for
 * the same call with the same arguments and the same question.
 */
export function createApprover(exchange: Exchange, call: NamedCall): Approver {
  const suspend = new AbortController();
  let asked: ApprovalRequest | null = null;

  return {
    suspended: suspend.signal,
    async approve(request, withdrawn) {
      if (!canBeAsked(exchange)) return denied("this client cannot ask its user: it offers no elicitation.");
      if (exchange.era === "legacy") return askNow(exchange, request, withdrawn);
      if (request.tool !== call.name)
        return denied("in this revision of MCP nobody can be asked in the middle of a call.");
      const state = exchange.context.mcpReq.requestState<AskedState>();
      const answer = inputResponse(exchange.context.mcpReq.inputResponses, QUESTION);
      if (state?.approval === fingerprint(call, request) && answer.kind === "elicit") return judge(answer);
      asked = request;
      suspend.abort(new Error("waiting for an approval"));
      throw suspend.signal.reason;
    },
    async question() {
      if (asked === null) return null;
      const state: AskedState = { approval: fingerprint(call, asked) };
      return {
        resultType: "input_required",
        inputRequests: { [QUESTION]: { method: "elicitation/create", params: form(asked) } },
        requestState: await exchange.mintState(state),
      };
    },
  };
}

/** Before there were modes, `elicitation` alone meant forms. */
function canBeAsked({ clientCapabilities: { elicitation } }: Exchange): boolean {
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

async function askNow(
  { context: { mcpReq } }: Exchange,
  request: ApprovalRequest,
  withdrawn: AbortSignal | undefined,
): Promise<ApprovalAnswer> {
  const signal = withdrawn ? AbortSignal.any([mcpReq.signal, withdrawn]) : mcpReq.signal;
  try {
    const params = { ...form(request) };
    return judge(
      await mcpReq.send({ method: "elicitation/create", params }, { signal, timeout: ANSWER_TIMEOUT_MS }),
    );
  } catch (error) {
    if (mcpReq.signal.aborted) throw mcpReq.signal.reason;
    if (withdrawn?.aborted) return denied("it is not asked for any more.");
    return denied(`the user could not be asked (${error instanceof Error ? error.message : error}).`);
  }
}

/** A box that must be ticked: some clients accept a form without fields by themselves. */
function form({ question, details }: ApprovalRequest): ElicitRequestFormParams {
  return {
    mode: "form",
    message: details === "" ? question : `${question}\n\n${details}`,
    requestedSchema: {
      type: "object",
      properties: { approve: { type: "boolean", title: "Allow this", default: false } },
      required: ["approve"],
    },
  };
}

function judge({ action, content }: { action: string; content?: unknown }): ApprovalAnswer {
  if (action === "cancel") return denied("the user closed the question without an answer.");
  const allowed = action === "accept" && (content as { approve?: unknown } | undefined)?.approve === true;
  return allowed ? { approved: true } : denied("the user said no.");
}

function denied(reason: string): ApprovalAnswer {
  return { approved: false, reason };
}

function fingerprint({ name, arguments: input }: NamedCall, { question, details }: ApprovalRequest): string {
  return createHash("sha256")
    .update(canonicalJson([name, input ?? {}, question, details]))
    .digest("base64url");
}
