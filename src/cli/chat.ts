import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { ChatOptions } from "./conversation.ts";
import { withConfigOption } from "./options.ts";
import { isInteractive, withProgress } from "./output.ts";

/** `hermes chat`: a conversation with the agent in this process, on the same database as the service. */
export function chatCommand(): Command {
  return withConfigOption(new Command("chat"))
    .description("talk to the agent at the terminal")
    .argument("[message...]", "one message to answer; without it a conversation, or the text on stdin")
    .option("--session <id>", "session to continue")
    .option("--model <provider/model>", "model to use")
    .action(async (words: string[], options: ChatOptions) => {
      const message = words.length > 0 ? words.join(" ") : isInteractive() ? null : await readStdin();
      if (message?.trim() === "") throw noMessage();
      const { openApp } = await import("../app/open.ts");
      // What goes wrong with an answer is told with it.
      const opened = openApp({ ...options, logLevel: options.logLevel ?? "error" });
      const app = await withProgress("opening the database", opened);
      try {
        const { askOnce, converse } = await import("./conversation.ts");
        if (message === null) await converse(app, options);
        else {
          await withProgress("connecting to the MCP servers", app.mcpServers.ready());
          await askOnce(app, message, options);
        }
      } finally {
        await app.stop(0);
      }
    });
}

/** All of stdin as one message; nothing when it is a terminal whose user would see no prompt. */
async function readStdin(): Promise<string> {
  return process.stdin.isTTY ? "" : (await Bun.stdin.text()).trimEnd();
}

function noMessage(): AppError {
  return new AppError("usage", "There is no message.", {
    hint: 'Give it as an argument: hermes chat "hello"',
  });
}
