import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import pc from "picocolors";
import type { RunEvent } from "../agent/events.ts";
import type { App } from "../app.ts";
import { AppError, isErrorCode } from "../lib/errors.ts";
import type { RunEventRecord } from "../store/contract.ts";
import type { Caller } from "../tools/contract.ts";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { Interrupted, isInteractive, say } from "./output.ts";

interface ChatOptions extends CommonOptions {
  session?: string;
  model?: string;
}

/** Whoever can run this command owns the files anyway. */
const OWNER: Caller = { door: "cli", principal: "owner", scopes: ["read", "chat", "tools", "admin"] };

const CHAT_HELP = `/new      begin a new session
/session  print the id of this one
/help     this list
/exit     leave (also Ctrl-D); Ctrl-C stops an answer`;

/** `hermes chat`: a conversation with the agent in this process, on the same database as the service. */
export function chatCommand(): Command {
  return withCommonOptions(new Command("chat"))
    .description("talk to the agent at the terminal")
    .argument("[message...]", "one message to answer; without it a conversation, or the text on stdin")
    .option("--session <id>", "session to continue")
    .option("--model <provider/model>", "model to use")
    .action(async (words: string[], options: ChatOptions) => {
      const { openApp } = await import("../app.ts");
      const app = await openApp({ ...options, logLevel: options.logLevel ?? "warn" });
      try {
        const message = words.length > 0 ? words.join(" ") : isInteractive() ? null : await Bun.stdin.text();
        if (message === null) await converse(app, options);
        else await ask(app, requireText(message), options);
      } finally {
        await app.stop(0);
      }
    });
}

function requireText(message: string): string {
  if (message.trim()) return message;
  throw new AppError("usage", "There is no message.", {
    hint: 'Give it as an argument: hermes chat "hello"',
  });
}

async function converse(app: App, options: ChatOptions): Promise<void> {
  say(pc.dim(`Hermes, model ${options.model ?? app.models.defaultRef()}. /help lists the commands.`));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  terminal.on("close", () => closed.abort());
  let session = options.session;
  try {
    while (!closed.signal.aborted) {
      const line = (await terminal.question(pc.cyan("> "), { signal: closed.signal })).trim();
      if (line === "/exit" || line === "/quit") return;
      if (line === "/help") say(CHAT_HELP);
      else if (line === "/new") session = undefined;
      else if (line === "/session") say(session ?? "none yet");
      else if (line.startsWith("/")) say(`There is no command ${line}. /help lists them.`);
      else if (line) session = await answerLine(app, line, { ...options, session }, terminal);
    }
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    terminal.close();
  }
}

/** Answers one line of a conversation; an error ends the answer, not the conversation. */
async function answerLine(
  app: App,
  line: string,
  options: { session: string | undefined; model?: string },
  terminal: {
    on(event: "SIGINT", listener: () => void): unknown;
    off(event: "SIGINT", listener: () => void): unknown;
  },
): Promise<string | undefined> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  terminal.on("SIGINT", onInterrupt);
  try {
    return await ask(app, line, options, interrupt.signal);
  } catch (error) {
    if (error instanceof AppError)
      say(pc.red(`error: ${error.message}${error.hint ? `\nhint: ${error.hint}` : ""}`));
    else if (!(error instanceof Interrupted)) throw error;
    return options.session;
  } finally {
    terminal.off("SIGINT", onInterrupt);
  }
}

/**
 * Sends one message and prints the answer as it grows; returns the session it belongs to. Throws the run's error, and
 * `Interrupted` after it has cancelled the run because of `interrupt` or SIGINT.
 */
async function ask(
  app: App,
  text: string,
  options: { session?: string | undefined; model?: string },
  interrupt?: AbortSignal,
): Promise<string | undefined> {
  const { run } = await app.agent.accept({
    kind: "chat",
    caller: OWNER,
    text,
    ...(options.session === undefined ? {} : { sessionId: options.session }),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  const onInterrupt = () => app.agent.cancel(run.id);
  interrupt?.addEventListener("abort", onInterrupt);
  if (!interrupt) process.on("SIGINT", onInterrupt);
  try {
    let failure: AppError | Interrupted | null = null;
    for await (const batch of app.agent.events(run.id, 0, new AbortController().signal))
      for (const event of batch) failure = show(event) ?? failure;
    if (failure) throw failure;
    return run.sessionKey.slice(run.sessionKey.indexOf("/") + 1);
  } finally {
    interrupt?.removeEventListener("abort", onInterrupt);
    process.off("SIGINT", onInterrupt);
  }
}

/**
 * Shows one event: text as it comes on a terminal, only the finished answer elsewhere, where what a retry takes back
 * could not be unsaid. Returns the error that ended the run.
 */
function show(record: RunEventRecord): AppError | Interrupted | null {
  const live = process.stdout.isTTY;
  const event = JSON.parse(record.data) as RunEvent;
  if (event.type === "message.delta" && live) {
    if (event.reset) say(pc.dim("\n(the answer starts again)"));
    process.stdout.write(event.delta);
  }
  if (event.type === "tool.started") say(pc.dim(`[${event.tool}]`));
  if (event.type === "run.completed") process.stdout.write(live ? "\n" : `${event.response}\n`);
  if (event.type !== "run.failed") return null;
  if (event.status === "cancelled") return new Interrupted("cancelled");
  const { code, message, hint } = event.error;
  return new AppError(isErrorCode(code) ? code : "internal", message, hint === undefined ? {} : { hint });
}
