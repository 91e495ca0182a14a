import { createInterface, type Interface } from "node:readline/promises";
import { createColors } from "picocolors";
import type { RunEvent } from "../agent/events.ts";
import type { App } from "../app/open.ts";
import { AppError } from "../lib/errors.ts";
import { hasColors, isInteractive, printable, say } from "./output.ts";

/** Gets an answer to a question from whoever sits at the terminal; rejects once the signal aborts. */
export type Prompt = (question: string, signal: AbortSignal) => Promise<string>;

/** What decides the approvals of one answer. */
export interface Decisions {
  /** Asks what this event asks, or stops asking what it tells was decided. Never throws. */
  take(event: RunEvent): void;
  /** Stops asking. */
  close(): void;
}

/** Asks for each approval in turn on the terminal; where nobody sits at one, denies it. */
export function createDecisions(app: App, runId: string, prompt: Prompt): Decisions {
  const open = new Map<string, AbortController>();
  let last: Promise<void> = Promise.resolve();

  const decide = async (event: RunEvent & { type: "approval.requested" }, signal: AbortSignal) => {
    const approved = isInteractive() && (await isAgreed(event, prompt, signal));
    await app.agent.decide(runId, event.approval_id, {
      approved,
      by: "owner",
      ...(isInteractive() ? {} : { reason: "this is no terminal, so nobody can be asked." }),
    });
  };
  const ask = (event: RunEvent & { type: "approval.requested" }) => {
    const asking = new AbortController();
    open.set(event.approval_id, asking);
    last = last
      .then(() => (asking.signal.aborted ? undefined : decide(event, asking.signal)))
      .catch((error: unknown) => {
        const isOver = asking.signal.aborted || (error instanceof AppError && error.code === "conflict");
        if (!isOver) app.log.error("an approval could not be decided", { run: runId, error });
      });
  };

  return {
    take(event) {
      if (event.type === "approval.requested") ask(event);
      if (event.type === "approval.decided") open.get(event.approval_id)?.abort();
    },
    close() {
      for (const asking of open.values()) asking.abort();
    },
  };
}

/** Shows all there is to judge by. Only a plain yes agrees. */
async function isAgreed(
  { question, details }: RunEvent & { type: "approval.requested" },
  prompt: Prompt,
  signal: AbortSignal,
): Promise<boolean> {
  const paint = createColors(hasColors());
  say(paint.bold(plain(question)));
  if (details !== "") say(plain(details));
  return /^\s*y(es)?\s*$/i.test(await prompt(paint.yellow("Allow it? [y/N] "), signal));
}

/** Text as it is read: what would turn its direction around, and show another order than the machine sees, is spelled out. */
function plain(text: string): string {
  return printable(text).replace(
    /\p{Bidi_Control}/gu,
    (mark) => `<U+${mark.codePointAt(0)?.toString(16).toUpperCase()}>`,
  );
}

/** Prompts on a terminal that nothing else reads. `interrupt` is called at Ctrl-C. */
export function promptAlone(interrupt: () => void): Prompt {
  return async (question, signal) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    terminal.on("SIGINT", interrupt);
    try {
      return await answerOn(terminal, question, signal);
    } finally {
      terminal.close();
    }
  };
}

/** Asks on a terminal that is read already. The end of its input is no answer. */
export async function answerOn(terminal: Interface, question: string, signal: AbortSignal): Promise<string> {
  const ended = new AbortController();
  const end = () => ended.abort();
  terminal.once("close", end);
  try {
    return await terminal.question(question, { signal: AbortSignal.any([signal, ended.signal]) });
  } catch (error) {
    if (ended.signal.aborted && !signal.aborted) return "";
    throw error;
  } finally {
    terminal.off("close", end);
  }
}
