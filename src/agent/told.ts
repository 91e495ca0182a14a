import type { WebhookEventType } from "../config/webhook-events.ts";
import type { NewRun, NewRunEvent, NewWebhookEvent, Run } from "../store/records.ts";
import { sessionIdOf, sessionKey } from "../tools/contract.ts";
import type { Announcer } from "../webhooks/outbound/announcer.ts";
import type { WebhookEventFacts } from "../webhooks/outbound/events.ts";
import type { AcceptedRequest } from "./contract.ts";
import type { RunEvent } from "./events.ts";
import { encodeEvent } from "./events.ts";

/** Of whom others are told. */
type ToldRun = Pick<Run, "id" | "sessionKey" | "kind"> & { isSubTask: boolean };

/** Tells others of one run by webhook. Of a sub-task they are told nothing: it is a part of the run that gave it. */
export interface RunTeller {
  /** The event as it is stored, with what others are told of it. */
  encode(event: RunEvent): NewRunEvent;
  /** What others are told of a run whose message this one has taken in. */
  joined(runId: string): NewWebhookEvent | undefined;
  /** These are on disk. */
  stored(events: readonly NewRunEvent[]): void;
}

export function createRunTeller(announcer: Announcer, run: ToldRun): RunTeller {
  const facts = factsOf(run);
  const tell: TellOf = run.isSubTask ? () => undefined : announcer.tell;
  return {
    encode: (event) => ({ ...encodeEvent(run.id, event), told: toldOf(event, facts, tell) }),
    joined: (runId) => tell("task.joined", () => ({ ...facts, run_id: runId, joined_run_id: run.id })),
    stored(events) {
      if (events.some(({ told }) => told !== undefined)) announcer.stored();
    },
  };
}

/** What others are told of the acceptance of a message; nothing of one that was accepted before and is answered anew. */
export function toldOfAcceptance(
  announcer: Announcer,
  { id, kind, session, request, replacesLastTurn }: Omit<NewRun, "told">,
  { text, attachments }: { text: string; attachments: number },
): NewWebhookEvent | undefined {
  if (replacesLastTurn || isSubTask({ request })) return undefined;
  const run = { id, kind, sessionKey: sessionKey(session.owner, session.id) };
  return announcer.tell("message.received", () => ({ ...factsOf(run), text, attachments }));
}

/** True for a run that another one has given out. */
export function isSubTask({ request }: Pick<Run, "request">): boolean {
  return (request as AcceptedRequest).subTask?.parent !== undefined;
}

function factsOf({ id, sessionKey: key, kind }: Omit<ToldRun, "isSubTask">) {
  return { run_id: id, session_id: sessionIdOf(key), owner: key.slice(0, key.indexOf("/")), kind };
}

type TellOf = <Type extends WebhookEventType>(
  type: Type,
  facts: () => WebhookEventFacts[Type],
) => NewWebhookEvent | undefined;

function toldOf(event: RunEvent, run: ReturnType<typeof factsOf>, tell: TellOf): NewWebhookEvent | undefined {
  switch (event.type) {
    case "run.started":
      return event.resumed ? undefined : tell("task.started", () => ({ ...run, model: event.model }));
    case "approval.requested": {
      const { approval_id, tool, question } = event;
      return tell("approval.requested", () => ({ ...run, approval_id, tool, question }));
    }
    case "approval.decided": {
      const { approval_id, approved } = event;
      return tell("approval.decided", () => ({ ...run, approval_id, approved }));
    }
    case "run.completed": {
      const { response, model, finish_reason, usage } = event;
      return tell("task.completed", () => ({ ...run, response, model, finish_reason, usage }));
    }
    case "run.failed": {
      const { status, error, usage } = event;
      if (status === "cancelled") return tell("task.cancelled", () => ({ ...run, usage }));
      return tell("agent.error", () => ({ ...run, error, usage }));
    }
    default:
      return undefined;
  }
}
