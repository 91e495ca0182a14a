import { constants } from "node:os";
import { type Static, Type } from "typebox";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../contract.ts";
import { dataResult, errorResult } from "../result.ts";
import { stringEnum } from "../string-enum.ts";
import { headOf } from "../text.ts";
import { wrapUntrusted } from "../untrusted.ts";
import type { Ending, RunningCommand } from "./command.ts";
import type { Job, Jobs } from "./jobs.ts";
import type { Output } from "./output.ts";
import type { CommandRunner } from "./runner.ts";

/** The result of a command; the end says more than the beginning, and errors stand there. */
const KEPT = { headBytes: 3_000, tailBytes: 15_000 };
/** What a poll can go back to. */
const KEPT_IN_BACKGROUND = { headBytes: 0, tailBytes: 256 * 1024 };
const POLL_BYTES = 16_000;
const PROGRESS_EVERY_MS = 1_000;
const SHOWN_COMMAND_CHARS = 100;

const closed = { additionalProperties: false } as const;
const runInput = Type.Object(
  {
    command: Type.String({ minLength: 1, description: "For bash; several lines may be." }),
    cwd: Type.Optional(Type.String({ maxLength: 4096 })),
    timeout_ms: Type.Optional(Type.Integer({ minimum: 100 })),
    background: Type.Optional(
      Type.Boolean({ description: "Do not wait for its end; terminal_process polls and stops it." }),
    ),
    stdin: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  },
  closed,
);
const runOutput = Type.Object(
  {
    id: Type.Optional(Type.String({ description: "Of a command in the background, with nothing else." })),
    exit_code: Type.Optional(Type.Integer()),
    signal: Type.Optional(Type.String()),
    output: Type.Optional(Type.String()),
    duration_ms: Type.Optional(Type.Integer()),
    timed_out: Type.Optional(Type.Boolean()),
    truncated: Type.Optional(Type.Boolean()),
    stopped: Type.Optional(Type.String({ description: "Why Hermes ended it." })),
  },
  closed,
);
const processInput = Type.Object(
  {
    action: stringEnum(["poll", "stop", "list"]),
    id: Type.Optional(Type.String({ maxLength: 100 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, description: "Poll: next_offset of the poll before." })),
  },
  closed,
);
const process = Type.Object(
  {
    id: Type.String(),
    command: Type.String(),
    running: Type.Boolean(),
    exit_code: Type.Optional(Type.Integer()),
    stopped: Type.Optional(Type.String()),
    output: Type.Optional(Type.String()),
    next_offset: Type.Optional(Type.Integer()),
    truncated: Type.Optional(Type.Boolean()),
  },
  closed,
);
const processOutput = Type.Object({ processes: Type.Array(process) }, closed);

type RunInput = Static<typeof runInput>;

/** The terminal group. */
export function terminalTools(runner: CommandRunner, jobs: Jobs): Tool[] {
  return [
    defineTool({
      name: "terminal_run",
      group: "terminal",
      title: "Run a command",
      description:
        "Run a shell command in a sandbox that holds the file roots and nothing else. Only files in the roots outlive it.",
      input: runInput,
      output: runOutput,
      effect: "write",
      destructive: true,
      openWorld: true,
      async approval({ command, cwd, stdin }) {
        const { kind } = await runner.sandbox();
        if (kind === null) return null; // it is going to be refused
        const { network } = runner.settings;
        const how =
          kind === "none" ? "WITHOUT a sandbox" : `in the sandbox${network ? ", with the network" : ""}`;
        const details = [
          command,
          ...(cwd === undefined ? [] : [`in: ${cwd}`]),
          ...(stdin === undefined ? [] : [`reads: ${stdin}`]),
        ];
        return { tool: "terminal_run", question: `Run this command ${how}?`, details: details.join("\n") };
      },
      run: (input, context) => run(input, context, runner, jobs),
    }),
    defineTool({
      name: "terminal_process",
      group: "terminal",
      title: "Background commands",
      description: "List background commands, poll one for new output and its exit code, or stop it.",
      input: processInput,
      output: processOutput,
      effect: "write",
      idempotent: true,
      async run({ action, id, offset = 0 }, { caller }) {
        if (action === "list") return dataResult({ processes: jobs.list(caller.principal).map(facts) });
        if (id === undefined) return errorResult(`${action} needs the id of a background command.`);
        const job = jobs.find(caller.principal, id);
        if (!job) return errorResult(`There is no background command ${id}. action "list" shows the ids.`);
        if (action === "stop") {
          job.running.stop("cancelled", "It was stopped by terminal_process.");
          await Promise.allSettled([job.running.ended]);
        }
        return polled(job, offset);
      },
    }),
  ];
}

async function run(
  input: RunInput,
  context: ToolContext,
  runner: CommandRunner,
  jobs: Jobs,
): Promise<ToolResult> {
  const { settings } = runner;
  const { background = false, timeout_ms } = input;
  const longestMs = background ? settings.background_timeout_ms : settings.max_timeout_ms;
  if (timeout_ms !== undefined && timeout_ms > longestMs)
    return errorResult(
      `timeout_ms can be ${longestMs} at most${background ? "" : "; background: true gives longer"}.`,
    );
  const defaultMs = background ? settings.background_timeout_ms : Math.min(settings.timeout_ms, longestMs);
  context.signal.throwIfAborted();
  const started = await runner.start({
    command: input.command,
    cwd: input.cwd,
    stdin: input.stdin,
    timeoutMs: timeout_ms ?? defaultMs,
    output: background ? KEPT_IN_BACKGROUND : KEPT,
  });
  if ("problem" in started) return errorResult(started.problem);
  const { running, output } = started;
  const { caller } = context;
  if (background) {
    const { id } = jobs.add({
      principal: caller.principal,
      command: input.command,
      running,
      output,
      startedAt: Date.now(),
    });
    return { text: `It runs in the background as ${id}.`, structured: { id } };
  }
  return finished(input.command, await waitFor(running, output, context), output);
}

/** Ends the command when the call is cancelled; then throws the reason. */
async function waitFor(running: RunningCommand, output: Output, { signal, progress }: ToolContext) {
  const beganMs = performance.now();
  const cancel = () => running.stop("cancelled", "The call was cancelled.");
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  let told = 0;
  const timer = setInterval(() => {
    if (output.totalBytes === told) return;
    told = output.totalBytes;
    progress?.({ message: `${told} bytes of output`, done: told });
  }, PROGRESS_EVERY_MS);
  try {
    const ending = await running.ended;
    signal.throwIfAborted();
    return { ...ending, durationMs: Math.round(performance.now() - beganMs) };
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", cancel);
  }
}

function finished(command: string, ending: Ending & { durationMs: number }, output: Output): ToolResult {
  const { text, missingBytes } = output.text();
  const { exitCode, stopped, durationMs } = ending;
  const signal = stopped === null ? signalName(exitCode) : undefined;
  const said = [
    stopped === null ? `exit code ${exitCode}${signal ? ` (${signal})` : ""}` : stoppedBy(stopped.message),
    ...(missingBytes > 0 ? [`output cut: ${missingBytes} bytes left out`] : []),
  ].join("; ");
  return {
    text: text === "" ? `${said}; no output` : `${said}\n${wrapUntrusted(text, sourceOf(command))}`,
    structured: {
      exit_code: exitCode,
      ...(signal && { signal }),
      output: text,
      duration_ms: durationMs,
      timed_out: stopped?.reason === "timeout",
      truncated: missingBytes > 0,
      ...(stopped && { stopped: stopped.message }),
    },
  };
}

function polled(job: Job, offset: number): ToolResult {
  const ended = job.end !== null;
  const { text, next, missingBytes } = job.output.since(offset, POLL_BYTES, ended);
  const shown = facts(job);
  const more = next < job.output.totalBytes;
  const said = [
    shown.running ? "running" : shown.stopped ? stoppedBy(shown.stopped) : `exit code ${shown.exit_code}`,
    ...(missingBytes > 0 ? [`${missingBytes} bytes before are kept no more`] : []),
    `next_offset ${next}${more ? ", there is more" : ""}`,
  ].join("; ");
  const entry = { ...shown, output: text, next_offset: next, truncated: more || missingBytes > 0 };
  return {
    text: text === "" ? said : `${said}\n${wrapUntrusted(text, sourceOf(job.command))}`,
    structured: { processes: [entry] },
  };
}

function facts({ id, command, end }: Job) {
  const ending = end?.ending;
  const stopped =
    end === null ? undefined : ending ? ending.stopped?.message : "Its sandbox could not be set up.";
  return {
    id,
    command: headOf(command, SHOWN_COMMAND_CHARS),
    running: end === null,
    ...(ending && { exit_code: ending.exitCode }),
    ...(stopped !== undefined && { stopped }),
  };
}

/** The sentence as a part of a line. */
function stoppedBy(why: string): string {
  return `stopped: ${why.replace(/\.$/, "")}`;
}

function sourceOf(command: string): string {
  return `output of ${headOf(command, SHOWN_COMMAND_CHARS)}`;
}

/** By the custom of shells: 128 and the number of the signal. */
function signalName(exitCode: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
}
