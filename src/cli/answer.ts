import { createColors } from "picocolors";
import type { RunEvent } from "../agent/events.ts";
import type { App } from "../app/open.ts";
import { AppError, isErrorCode } from "../lib/errors.ts";
import { ownerAt } from "../tools/caller.ts";
import { sessionIdOf, sessionOwner } from "../tools/contract.ts";
import { createDecisions, type Prompt } from "./approval.ts";
import { hasColors, PROGRESS_AFTER_MS, printable, say } from "./output.ts";
import { Interrupted } from "./report.ts";

/** Whoever can run this command owns the files anyway. */
const CALLER = ownerAt("cli");

/** How a message is asked. */
export interface AskOptions {
  /** The session to continue: its id, or its key as `hermes sessions list` prints it. */
  session?: string | undefined;
  model?: string;
  /** Asks whoever sits at the terminal what a call needs an approval for. */
  prompt: Prompt;
}

/**
 * Sends one message and prints the answer; returns the id of the session. Throws the run's error, and `Interrupted` once
 * the run is cancelled because of `interrupt`.
 */
export async function ask(
  app: App,
  text: string,
  options: AskOptions,
  interrupt: AbortSignal,
): Promise<string> {
  const sessionId = options.session && ownId(options.session);
  const { run } = await app.agent.accept({
    kind: "chat",
    caller: CALLER,
    text,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  const cancel = () => {
    app.agent
      .cancel(run.id)
      .catch((error: unknown) => app.log.error("the answer could not be cancelled", { error }));
  };
  const view = createView();
  const decisions = createDecisions(app, run.id, options.prompt);
  view.expect("waiting for another answer of this session");
  interrupt.addEventListener("abort", cancel);
  if (interrupt.aborted) cancel();
  try {
    for await (const batch of app.agent.events(run.id, 0, new AbortController().signal))
      for (const { data } of batch) {
        const event = JSON.parse(data) as RunEvent;
        view.show(event);
        decisions.take(event);
      }
    return sessionIdOf(run.sessionKey);
  } finally {
    decisions.close();
    view.close();
    interrupt.removeEventListener("abort", cancel);
  }
}

/** The id in the key of an own session; throws `usage` for a key of another owner. Anything else as it stands. */
function ownId(session: string): string {
  const own = `${sessionOwner(CALLER)}/`;
  if (session.startsWith(own)) return sessionIdOf(session);
  if (!/^[a-z]+:[^/]+\//.test(session)) return session;
  throw new AppError("usage", `The session ${session} is not one of this terminal.`, {
    hint: `Here the sessions whose key begins with ${own} go on; \`hermes sessions show\` prints the others.`,
  });
}

/**
 * Shows an answer: text as it comes on a terminal, only the finished answer elsewhere, where what a retry takes back
 * could not be unsaid.
 */
function createView() {
  const live = process.stdout.isTTY;
  const paint = createColors(hasColors());
  let midLine = false;
  let timer: Timer | undefined;
  let expected = "";

  const write = (text: string) => {
    if (text === "") return;
    process.stdout.write(text);
    midLine = !text.endsWith("\n");
  };
  const endLine = () => {
    if (midLine) write("\n");
  };
  const aside = (text: string) => {
    endLine();
    say(paint.dim(printable(text)));
  };
  const arrived = () => {
    clearTimeout(timer);
    expected = "";
  };
  /** Says what the wait is for once it has taken too long. */
  const expect = (what: string) => {
    if (what === expected) return;
    clearTimeout(timer);
    expected = what;
    timer = setTimeout(() => aside(`${what} ...`), PROGRESS_AFTER_MS);
  };
  let model = "the model";
  const showDelta = ({ delta, reset }: RunEvent & { type: "message.delta" }) => {
    if (!live) return expect(`${model} is answering`);
    arrived();
    if (reset) aside("(the answer starts again)");
    write(printable(delta));
  };

  return {
    expect,
    close: arrived,
    /** Throws the error that ended the run. */
    show(event: RunEvent): void {
      if (event.type === "run.started") model = event.model;
      if (event.type === "run.started" || event.type === "tool.completed") expect(`waiting for ${model}`);
      if (event.type === "tool.started") {
        aside(`[${event.tool}]`);
        expect(`waiting for ${event.tool}`);
      }
      if (event.type === "tool.progress") {
        arrived();
        aside(`[${event.tool}] ${event.message}`);
      }
      if (event.type === "approval.requested") {
        arrived(); // the wait is for the person at the terminal, who sees the question
        endLine();
      }
      if (event.type === "message.delta") showDelta(event);
      if (event.type === "run.completed") {
        arrived();
        if (!live) write(event.response);
        endLine();
        if (event.finish_reason === "length") aside("(cut off: the answer is as long as it may be)");
      }
      if (event.type === "run.failed") {
        arrived();
        endLine();
        throw failureOf(event);
      }
    },
  };
}

function failureOf({ status, error }: RunEvent & { type: "run.failed" }): Error {
  if (status === "cancelled") return new Interrupted("cancelled");
  const { code, message, hint } = error;
  return new AppError(
    isErrorCode(code) ? code : "model_bad_answer",
    message,
    hint === undefined ? {} : { hint },
  );
}
