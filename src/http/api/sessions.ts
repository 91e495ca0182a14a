import { AppError } from "../../lib/errors.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { Message, MessageHit, Session } from "../../store/records.ts";
import { sessionIdOf, sessionKey } from "../../tools/contract.ts";
import { admittedPlugin, callerOf } from "../admission.ts";
import { json, noContent } from "../answers.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { ownerOf } from "./owners.ts";
import { numericLimit, pageOf } from "./paging.ts";

/** `/sessions`: the caller's own conversations; those of another owner for a key with the scope `admin`. */
export function sessionsApi(edge: Edge) {
  const { sessions } = edge.store;
  return admittedPlugin(edge.config.current.api.base_path)
    .get(
      ROUTES.sessions.path,
      async ({ query, admission }) => {
        const page = { ...pageOf(query), owner: ownerOf(callerOf(admission), query.owner) };
        if (query.q !== undefined) {
          const { items, nextCursor } = await sessions.search(query.q, page);
          return json(admission, { results: items.map(publicHit), next_cursor: nextCursor });
        }
        const { items, nextCursor } = await sessions.list(page);
        return json(admission, { sessions: items.map(publicSession), next_cursor: nextCursor });
      },
      { query: ROUTES.sessions.query, transform: numericLimit },
    )
    .get(
      ROUTES.sessionMessages.path,
      async ({ params, query, admission }) => {
        const key = sessionKey(ownerOf(callerOf(admission), query.owner), params.session_id);
        if ((await sessions.get(key)) === null) throw noSession();
        const { items, nextCursor } = await sessions.messages(key, pageOf(query));
        return json(admission, { messages: items.map(publicMessage), next_cursor: nextCursor });
      },
      { query: ROUTES.sessionMessages.query, transform: numericLimit },
    )
    .delete(
      ROUTES.deleteSession.path,
      async ({ params, query, admission }) => {
        const key = sessionKey(ownerOf(callerOf(admission), query.owner), params.session_id);
        if (!(await sessions.delete(key))) throw noSession();
        return noContent(admission);
      },
      { query: ROUTES.deleteSession.query },
    );
}

function publicSession({ id, owner, title, createdAt, updatedAt, messageCount }: Session) {
  return {
    session_id: id,
    owner,
    title,
    message_count: messageCount,
    created_at: timestamp(createdAt),
    updated_at: timestamp(updatedAt),
  };
}

function publicMessage(message: Message) {
  const { parts, toolCalls } = message;
  const images = parts.filter((part) => part.type === "image").length;
  return {
    id: message.id,
    run_id: message.runId,
    role: message.role,
    content: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    ...(images > 0 && { images }),
    ...(toolCalls?.length && { tool_calls: toolCalls }),
    ...(message.role === "tool" && {
      tool: message.toolName,
      call_id: message.toolCallId,
      is_error: message.isError ?? false,
    }),
    ...(message.model !== undefined && { model: message.model }),
    created_at: timestamp(message.createdAt),
  };
}

function publicHit({ message, snippet }: MessageHit) {
  return {
    session_id: sessionIdOf(message.sessionKey),
    message_id: message.id,
    run_id: message.runId,
    role: message.role,
    snippet,
    created_at: timestamp(message.createdAt),
  };
}

function noSession(): AppError {
  return new AppError("not_found", "There is no such session.", { hint: "GET /sessions lists them." });
}
