import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import type { Message, Part } from "../store/records.ts";
import { formatTime, print, printable, printJson, printTable, say } from "./output.ts";
import { type ListOptions, paged, pageOf, sayMore } from "./paging.ts";
import { withStore } from "./store.ts";

/** `hermes sessions list | show | search`, read straight from the database, whether Hermes runs or not. */
export function sessionsCommand(): Command {
  const list = paged(new Command("list"), 20)
    .description("list the sessions, newest first")
    .action((options: ListOptions) =>
      withStore(options, "reading the sessions", (store) => listSessions(store, options)),
    );
  const show = paged(new Command("show"), 50)
    .description("show the messages of a session")
    .argument("<session>", "its key as `hermes sessions list` prints it, such as api:owner/my-session")
    .action((key: string, options: ListOptions) =>
      withStore(options, "reading the session", (store) => showSession(store, key, options)),
    );
  const search = paged(new Command("search"), 20)
    .description("search all messages")
    .argument("<query...>", "words to look for")
    .action((words: string[], options: ListOptions) =>
      withStore(options, "searching", (store) => searchMessages(store, words.join(" "), options)),
    );
  return new Command("sessions")
    .description("look at past conversations")
    .addCommand(list)
    .addCommand(show)
    .addCommand(search);
}

async function listSessions(store: Store, options: ListOptions): Promise<void> {
  const page = await store.sessions.list(pageOf(options));
  if (options.json) return printJson(page);
  if (page.items.length === 0) return say("There are no sessions yet.");
  printTable(
    ["SESSION", "UPDATED", "MESSAGES", "TITLE"],
    page.items.map((session) => [
      session.key,
      formatTime(session.updatedAt),
      String(session.messageCount),
      session.title.slice(0, 60),
    ]),
  );
  sayMore(page.nextCursor);
}

async function showSession(store: Store, key: string, options: ListOptions): Promise<void> {
  if (!(await store.sessions.get(key))) {
    throw new AppError("not_found", `There is no session "${key}".`, {
      hint: "`hermes sessions list` prints the keys.",
    });
  }
  const page = await store.sessions.messages(key, pageOf(options));
  if (options.json) return printJson(page);
  for (const message of page.items)
    print(`${formatTime(message.createdAt)}  ${printable(`${speaker(message)}: ${textOf(message)}`)}\n`);
  sayMore(page.nextCursor);
}

async function searchMessages(store: Store, query: string, options: ListOptions): Promise<void> {
  const page = await store.sessions.search(query, pageOf(options));
  if (options.json) return printJson(page);
  if (page.items.length === 0) return say(`No message matches "${query}".`);
  printTable(
    ["SESSION", "TIME", "WHO", "TEXT"],
    page.items.map(({ message, snippet }) => [
      message.sessionKey,
      formatTime(message.createdAt),
      speaker(message),
      snippet,
    ]),
  );
  sayMore(page.nextCursor);
}

function speaker(message: Message): string {
  return message.role === "tool" ? `tool ${message.toolName ?? ""}`.trim() : message.role;
}

function textOf(message: Message): string {
  const calls = (message.toolCalls ?? []).map((call) => `[calls ${call.name} ${call.arguments}]`);
  return [...message.parts.map(partText), ...calls].filter(Boolean).join("\n");
}

function partText(part: Part): string {
  return part.type === "text" ? part.text : `[${part.mediaType} image]`;
}
