import { Command, CommanderError } from "commander";
import { type AppError, toAppError } from "../lib/errors.ts";
import { apiCommand } from "./api.ts";
import { backupCommand } from "./backup.ts";
import { chatCommand } from "./chat.ts";
import { configCommand } from "./config.ts";
import { devCommand } from "./dev.ts";
import { openapiCommand } from "./openapi.ts";
import { Interrupted, say } from "./output.ts";
import { serveCommand } from "./serve.ts";
import { sessionsCommand } from "./sessions.ts";
import { statusCommand } from "./status.ts";
import { VERSION } from "./version.ts";

/** What a command ends with, by sysexits.h where it has a word for it. */
const EXIT = { ok: 0, failure: 1, usage: 2, config: 78, interrupted: 130 } as const;

const HELP_FOOTER = `
Start here:
  hermes api                 serve the REST API on http://127.0.0.1:18791
  hermes chat "hello"        one question at the terminal
  hermes config example      a configuration file to begin with
`;

/** Runs one command line and returns the exit code. Never throws. */
export async function run(args: string[]): Promise<number> {
  const program = createProgram();
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof Interrupted) return EXIT.interrupted;
    return report(toAppError(error));
  }
}

function createProgram(): Command {
  const program = new Command("hermes")
    .description("An AI agent as a service: REST API, MCP, webhooks and chat platforms from one file.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .showSuggestionAfterError()
    .showHelpAfterError("(hermes --help lists the commands)")
    .addHelpText("after", HELP_FOOTER);
  const commands = [
    apiCommand(),
    serveCommand(),
    chatCommand(),
    sessionsCommand(),
    statusCommand(),
    configCommand(),
    backupCommand(),
    openapiCommand(),
    devCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  throwInsteadOfExit(program);
  return program;
}

/** Commander exits by itself on a usage error; the exit belongs to main.ts. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function report(error: AppError): number {
  say(`error: ${error.message}`);
  if (error.hint) say(`hint: ${error.hint}`);
  if (error.code === "internal") say(String(error.cause instanceof Error ? error.cause.stack : error.cause));
  if (error.code === "config_invalid") return EXIT.config;
  return error.code === "usage" ? EXIT.usage : EXIT.failure;
}
