import { Command } from "commander";
import { nearest } from "../lib/nearest.ts";
import { apiCommand } from "./api.ts";
import { backupCommand } from "./backup.ts";
import { chatCommand } from "./chat.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import { deliveriesCommand } from "./deliveries.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { gatewayCommand } from "./gateway.ts";
import { mcpCommand } from "./mcp.ts";
import { openapiCommand } from "./openapi.ts";
import { withLogLevelOption } from "./options.ts";
import { print, say } from "./output.ts";
import { pairingCommand } from "./pairing.ts";
import { EXIT, report } from "./report.ts";
import { restoreCommand } from "./restore.ts";
import { sendCommand } from "./send.ts";
import { serveCommand } from "./serve.ts";
import { sessionsCommand } from "./sessions.ts";
import { skillsCommand } from "./skills.ts";
import { statusCommand } from "./status.ts";
import { VERSION } from "./version.ts";
import { webhookCommand } from "./webhook.ts";

const HELP_FOOTER = `
Start here:
  hermes gateway             connect Telegram, Discord and Slack
  hermes api                 serve the REST API on http://127.0.0.1:18791
  hermes mcp                 serve its tools to Claude Desktop and other MCP clients
  hermes chat "hello"        one question at the terminal
  hermes config example      a configuration file to begin with
`;

/** Runs one command line and returns the exit code. Never rejects. */
export async function run(args: readonly string[]): Promise<number> {
  const program = createProgram();
  let running = program;
  program.hook("preAction", (_, command) => {
    running = command;
  });
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args[0] === "help" ? [...args.slice(1), "--help"] : args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return report(error, running.opts()["logLevel"] === "debug");
  }
}

/** All commands. What a command needs to run is loaded when it runs, so that no other command waits for it. */
export function createProgram(): Command {
  const program = new Command("hermes")
    .description("An AI agent as a service: REST API, MCP, webhooks and chat platforms from one file.")
    .version(VERSION, "-V, --version", "print the version")
    .addHelpText("beforeAll", ({ command }) => refuseUnknown(command))
    .addHelpText("after", HELP_FOOTER);
  const commands = [
    gatewayCommand(),
    apiCommand(),
    mcpCommand(),
    serveCommand(),
    chatCommand(),
    sendCommand(),
    deliveriesCommand(),
    webhookCommand(),
    pairingCommand(),
    sessionsCommand(),
    skillsCommand(),
    statusCommand(),
    doctorCommand(),
    configCommand(),
    backupCommand(),
    restoreCommand(),
    openapiCommand(),
    completionCommand(() => program),
    devCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  setUp(program);
  return program;
}

/** What holds for every command. Commander hands its settings down only to commands that it makes itself. */
function setUp(command: Command): void {
  command
    .exitOverride() // it would exit by itself otherwise, which is main.ts's to do
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .enablePositionalOptions() // an option belongs to the command that it follows
    .configureOutput({ writeOut: print, writeErr: say, outputError: (text) => tellUsage(text, command) });
  if (command.commands.length === 0) withLogLevelOption(command);
  // One that also does something by itself would take the name of an unknown command for an argument.
  else
    command.allowExcessArguments().hook("preAction", (_, acting) => {
      if (acting === command) refuseUnknown(command);
    });
  for (const child of command.commands) setUp(child);
}

/** Commander puts what was probably meant into a second line, in brackets. */
function tellUsage(text: string, command: Command): void {
  const [message = "", meant] = text.trim().split("\n");
  say(message);
  say(`hint: ${meant ? meant.slice(1, -1) : `\`${nameOf(command)} --help\` tells more.`}`);
}

/** Commander shows the help of the parent for an unknown command with `--help`, or runs the parent. Throws instead. */
function refuseUnknown(command: Command): string {
  const [name] = command.args;
  if (command.commands.length === 0 || name === undefined || name.startsWith("-")) return "";
  const meant = nearest(
    name,
    command.commands.map((child) => child.name()),
  );
  return command.error(`error: unknown command '${name}'${meant ? `\n(Did you mean ${meant}?)` : ""}`);
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}
