import type { Agent } from "../../agent/contract.ts";
import type { LiveConfig } from "../../config/live.ts";
import { PlatformError } from "../../platforms/contract.ts";
import { closeFence } from "../../platforms/fences.ts";
import { createSplitter } from "../../platforms/split.ts";
import type { Run } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { wordsIn } from "../words.ts";
import { type DecisionParts, watchQuestions } from "./decisions.ts";
import { createGrowing, type GrowingAnswer, parseEvent } from "./growing.ts";
import { fitsIn, messageOf, type Outgoing, show } from "./outgoing.ts";
import type { Pace } from "./pace.ts";
import { createPainter, type Painter } from "./painter.ts";
import { tellOfApproval } from "./questions.ts";
import type { ShowTyping } from "./typing.ts";

/** After so many refusals for being too fast, an answer is shown at its end only. */
const MAX_FLOOD_STRIKES = 3;

/** What following answers works with. */
export interface AnswerParts extends DecisionParts {
  agent: Pick<Agent, "events">;
  config: LiveConfig;
  paceOf(connection: Connection): Pace;
  showTyping: ShowTyping;
}

/** How the run of an answer ended. */
export interface Ending {
  /** Null when there is no such run any more. */
  run: Run | null;
  /** What the model had said last, for a run that was stopped. */
  said: string;
}

/**
 * Follows the run of an answer to its end: shows that the bot is at work, the answer while it grows, and what it asks for.
 * Rejects with the signal's reason.
 */
export async function followAnswer(
  outgoing: Outgoing,
  connection: Connection,
  parts: AnswerParts,
  signal: AbortSignal,
): Promise<Ending> {
  const { runId } = outgoing.delivery;
  const run = runId === undefined ? null : await parts.store.runs.get(runId);
  if (run === null || hasEnded(run)) return { run, said: "" };
  const { chat, thread } = outgoing.delivery.target;
  const address = { chat, ...(thread === undefined ? {} : { thread }) };
  let stopTyping: (() => void) | undefined;
  const growing = createGrowing();
  const painter = livePainter(outgoing, connection, growing, parts, signal);
  const questions = watchQuestions(connection, parts);
  try {
    for await (const events of parts.agent.events(run.id, 0, signal))
      for (const event of events.map(parseEvent)) {
        if (event.type === "run.started") stopTyping ??= parts.showTyping(connection, address);
        if (growing.apply(event)) painter?.touch();
        await tellOfApproval(event, outgoing, parts, run.id);
        questions.apply(event);
      }
  } finally {
    stopTyping?.();
    await painter?.stop();
  }
  signal.throwIfAborted();
  questions.end();
  return { run: await parts.store.runs.get(run.id), said: growing.current.text.trim() };
}

function hasEnded({ status }: Run): boolean {
  return status !== "queued" && status !== "running";
}

/** Shows the answer while it grows, as the account's settings and the platform allow; null where neither does. */
function livePainter(
  outgoing: Outgoing,
  connection: Connection,
  growing: GrowingAnswer,
  parts: AnswerParts,
  signal: AbortSignal,
): Painter | null {
  const { streaming } = connection.account.settings;
  if (streaming === "off") return null;
  const { scope, language } = extraOf(outgoing.delivery);
  const { editEveryMs } = connection.platform.limits;
  const pace = parts.paceOf(connection);
  const { chat } = outgoing.delivery.target;
  const split = createSplitter(fitsIn(connection));
  let strikes = 0;
  let isDraft = streaming === "draft" && connection.can("draft");

  const paint = async () => {
    const { text, tool } = growing.current;
    const working = tool === null ? "" : wordsIn(language).working(tool);
    const said = working === "" ? text.trim() : closeFence(text.trim());
    const markdown = [said, working].filter((one) => one !== "").join("\n\n");
    const contents = split(markdown).map((one) => ({ markdown: one.text }));
    if (contents.length === 0 || !connection.can(isDraft ? "draft" : "edit")) return;
    const mayCall = async () => pace.tryTake(chat, scope);
    if (isDraft) {
      const last = messageOf(outgoing, contents.at(-1) ?? { markdown }, 0, true);
      if (await mayCall()) isDraft = await connection.adapter.draft(last, signal);
      if (isDraft) return;
    }
    await show(outgoing, contents, {
      connection,
      store: parts.store.deliveries,
      isPartial: true,
      mayCall,
      signal,
    });
  };
  const painter = createPainter(
    editEveryMs[scope],
    () =>
      paint().catch((error: unknown) => {
        if (!(error instanceof PlatformError) || error.kind !== "rate_limited") throw error;
        strikes += 1;
        pace.block(chat, error.retryAfterMs ?? 1_000);
        painter.pause(strikes < MAX_FLOOD_STRIKES ? (error.retryAfterMs ?? 1_000) : Number.POSITIVE_INFINITY);
      }),
    parts.log,
  );
  return painter;
}
