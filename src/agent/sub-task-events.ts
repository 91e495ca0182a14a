import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { ToolContext } from "../tools/contract.ts";
import { cutText } from "../tools/text.ts";
import type { Agent } from "./contract.ts";
import { isFinal, type RunEvent } from "./events.ts";

const FIRST_WORDS_CHARS = 120;

/** What it takes to follow a sub-task. */
export interface FollowParts {
  agent: Pick<Agent, "events" | "approvals" | "decide">;
  /** Of the call that gave the sub-task. */
  context: ToolContext;
  log: Log;
}

/**
 * Reads the events of a sub-task until its last one: tells the parent's stream what it does, asks whoever is behind the parent
 * what the sub-task asks, and hands the decision down. Returns early, without an error, when the call is aborted.
 */
export async function followSubTask(runId: string, { agent, context, log }: FollowParts): Promise<void> {
  const open = new Map<string, AbortController>(); // questions that are asked at the parent
  let steps = 0;
  let hasSpoken = false;
  const report = (message: string) => {
    steps += 1;
    context.progress?.({ message, done: steps });
  };

  const handDown = async (approvalId: string, withdrawn: AbortSignal) => {
    const approval = (await agent.approvals(runId)).find((one) => one.id === approvalId);
    if (!approval) return; // an old event: it was decided before
    const { tool, question, details } = approval;
    const answer = context.approve
      ? await context.approve({ tool, question: `For a sub-task: ${question}`, details }, withdrawn)
      : { approved: false as const, reason: "nobody can be asked here." };
    if (withdrawn.aborted) return;
    await agent.decide(runId, approvalId, {
      approved: answer.approved,
      by: context.runId ?? context.caller.principal,
      ...(answer.approved ? {} : { reason: answer.reason }),
    });
  };
  const askAtParent = (approvalId: string) => {
    if (open.has(approvalId)) return;
    const withdrawn = new AbortController();
    open.set(approvalId, withdrawn);
    handDown(approvalId, withdrawn.signal).catch((error: unknown) => {
      if (context.signal.aborted || withdrawn.signal.aborted) return; // nobody waits for it any more
      const isDecided = error instanceof AppError && error.code === "conflict";
      if (!isDecided) log.warn("a sub-task's question was not answered", { run: runId, error });
    });
  };

  const take = (event: RunEvent) => {
    if (event.type === "tool.started") report(`uses ${event.tool}`);
    else if (event.type === "message.delta" && !hasSpoken && event.delta.trim() !== "") {
      hasSpoken = true;
      report(`says: ${cutText(event.delta.trim(), FIRST_WORDS_CHARS)}`);
    } else if (event.type === "approval.requested") askAtParent(event.approval_id);
    else if (event.type === "approval.decided") open.get(event.approval_id)?.abort();
  };
  try {
    for await (const batch of agent.events(runId, 0, context.signal))
      for (const { type, data } of batch) {
        take(JSON.parse(data) as RunEvent);
        if (isFinal(type)) return;
      }
  } finally {
    for (const withdrawn of open.values()) withdrawn.abort();
  }
}
