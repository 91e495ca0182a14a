import { Type } from "typebox";
import { AppError } from "../lib/errors.ts";
import type { SessionStore } from "../store/contract.ts";
import type { Message } from "../store/records.ts";
import { defineTool, ID_PATTERN, sessionIdOf, sessionKey, sessionOwner, type Tool } from "./contract.ts";
import { dataResult, errorResult } from "./result.ts";
import { cutText } from "./text.ts";

const FOUND_LIMIT = 10;
const READ_LIMIT = 50;
const MESSAGE_CHARS = 2_000;

const closed = { additionalProperties: false } as const;
const cursor = Type.Optional(Type.String({ maxLength: 500, description: "next_cursor of the page before." }));

/** The session group: past conversations of the caller's own, never of another owner. */
export function sessionTools(sessions: SessionStore): Tool[] {
  return [
    defineTool({
      name: "session_search",
      group: "session",
      title: "Search past sessions",
      description: "Find messages of past conversations by words.",
      input: Type.Object({ query: Type.String({ minLength: 1, maxLength: 1000 }) }, closed),
      output: Type.Object({
        matches: Type.Array(
          Type.Object({
            session_id: Type.String(),
            role: Type.String(),
            snippet: Type.String(),
            created_at: Type.Integer(),
          }),
        ),
      }),
      effect: "read",
      async run(input, { caller }) {
        const found = await sessions.search(input.query, { owner: sessionOwner(caller), limit: FOUND_LIMIT });
        const matches = found.items.map(({ message, snippet }) => ({
          session_id: sessionIdOf(message.sessionKey),
          role: message.role,
          snippet,
          created_at: message.createdAt,
        }));
        return dataResult({ matches });
      },
    }),
    defineTool({
      name: "session_read",
      group: "session",
      title: "Read a past session",
      description: "Read a past conversation, oldest message first.",
      input: Type.Object({ session_id: Type.String({ pattern: ID_PATTERN }), cursor }, closed),
      output: Type.Object({
        messages: Type.Array(
          Type.Object({
            role: Type.String(),
            text: Type.String({ description: "Cut when it is long." }),
            created_at: Type.Integer(),
          }),
        ),
        next_cursor: Type.Union([Type.String(), Type.Null()]),
      }),
      effect: "read",
      async run(input, { caller }) {
        const key = sessionKey(sessionOwner(caller), input.session_id);
        if (!(await sessions.get(key))) return errorResult(`There is no session ${input.session_id}.`);
        const page = { limit: READ_LIMIT, ...(input.cursor === undefined ? {} : { cursor: input.cursor }) };
        const read = await sessions.messages(key, page).catch(badCursor);
        if (!read)
          return errorResult("The cursor is not one that session_read gave out. Leave it out to start anew.");
        return dataResult({ messages: read.items.map(show), next_cursor: read.nextCursor });
      },
    }),
  ];
}

function badCursor(error: unknown): null {
  if (error instanceof AppError && error.code === "invalid_request") return null;
  throw error;
}

function show(message: Message) {
  const text = message.parts.map((part) => (part.type === "text" ? part.text : "[image]")).join("\n");
  return { role: message.role, text: cutText(text, MESSAGE_CHARS), created_at: message.createdAt };
}
