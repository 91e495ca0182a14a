import { createInterface } from "node:readline/promises";
import { createColors } from "picocolors";
import type { App } from "../app/open.ts";
import { AppError } from "../lib/errors.ts";
import { ask } from "./answer.ts";
import { answerOn, type Prompt, promptAlone } from "./approval.ts";
import type { CommonOptions } from "./options.ts";
import { hasColors, say } from "./output.ts";
import { Interrupted, tell } from "./report.ts";
import { stopSignals } from "./signals.ts";

/** The flags of `hermes chat`. */
export interface ChatOptions extends CommonOptions {
  session?: string;
  model?: string;
}

const HELP = `/new      begin a new session
/session  print the id of this one
/help     this list
/exit     leave (also Ctrl-D); Ctrl-C stops an answer, at the prompt it leaves`;

/** Answers one message. The first Ctrl-C cancels the answer, the second one leaves without waiting for that. */
export async function askOnce(app: App, message: string, options: ChatOptions): Promise<void> {
  const { stopped, forced } = stopSignals();
  const interrupt = new AbortController();
  void stopped.then(() => interrupt.abort());
  const prompt = promptAlone(() => interrupt.abort());
  await Promise.race([ask(app, message, { ...options, prompt }, interrupt.signal), forced]);
}

/** Answers line after line until the user leaves. Throws `Interrupted` when that was by Ctrl-C or a signal. */
export async function converse(app: App, options: ChatOptions): Promise<void> {
  const paint = createColors(hasColors());
  const model = options.model ?? app.models.defaultRef();
  say(paint.dim(`Hermes, model ${model}. /help lists the commands.`));
  const terminal = createInterface({
    input: process.stdin,
    output: process.stderr,
    prompt: paint.cyan("> "),
  });
  let answering: AbortController | null = null;
  let interrupted = false;
  const leave = () => {
    interrupted = true;
    answering?.abort();
    terminal.close();
  };
  terminal.on("SIGINT", () => (answering ? answering.abort() : leave()));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, leave);

  const prompt: Prompt = (question, signal) => answerOn(terminal, question, signal);
  let session = options.session;
  const answer = async (text: string) => {
    answering = new AbortController();
    try {
      session = await ask(app, text, { ...options, session, prompt }, answering.signal);
    } catch (error) {
      if (error instanceof Interrupted) say(paint.dim("(stopped)"));
      else if (error instanceof AppError) tell(error);
      else throw error;
    } finally {
      answering = null;
    }
  };
  /** False when the line was the last one. */
  const take = async (line: string): Promise<boolean> => {
    if (line === "/exit" || line === "/quit") return false;
    if (line === "/help") say(HELP);
    else if (line === "/new") session = undefined;
    else if (line === "/session") say(session ?? "none yet");
    else if (line.startsWith("/")) say(`There is no command ${line}. /help lists them.`);
    else if (line) await answer(line);
    return !interrupted;
  };

  try {
    terminal.prompt();
    for await (const line of terminal) {
      if (!(await take(line.trim()))) break;
      terminal.prompt();
    }
  } finally {
    terminal.close();
  }
  say(""); // the shell's prompt begins on a line of its own
  if (session !== undefined) say(paint.dim(`To go on: hermes chat --session ${session}`));
  if (interrupted) throw new Interrupted("left by Ctrl-C");
}
