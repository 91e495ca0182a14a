import type { ListResourcesResult, ReadResourceResult, Resource } from "@modelcontextprotocol/server";
import { decodePlace, encodePlace } from "../lib/cursor.ts";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import type { Page } from "../store/records.ts";
import { type Caller, sessionIdOf, sessionOwner } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { Exchange, McpFeatures } from "./contract.ts";
import { type ReadableSkills, skillResource } from "./skills.ts";

export const MEMORY_TEMPLATE = "hermes://memory/{key}";
export const SESSION_TEMPLATE = "hermes://sessions/{id}";
const MEMORY_PREFIX = "hermes://memory/";
const SESSION_PREFIX = "hermes://sessions/";
const JSON_TYPE = "application/json";
const PAGE_ITEMS = 50;

export interface ResourceParts {
  tools: Pick<ToolRegistry, "call">;
  store: Pick<Store, "memory" | "sessions">;
  skills: ReadableSkills;
  mayUse(caller: Caller, tool: string): boolean;
}

/** A part of the list: a page of it, for a caller that may use its tool. */
interface Shelf {
  /** In the cursor. */
  name: string;
  /** Who may not use this tool sees nothing of it. */
  tool: string;
  list(caller: Caller, cursor: string | undefined): Promise<Page<Resource>>;
}

/**
 * Skills, memory and past sessions as resources: what a caller's own tools would read, read by those tools, so that no right
 * and no limit is decided twice.
 */
export function createResources(parts: ResourceParts): McpFeatures["resources"] {
  const shelves = shelvesOf(parts);
  return {
    subscribe: false,
    async list(cursor, { caller }): Promise<ListResourcesResult> {
      const visible = shelves.filter(({ tool }) => parts.mayUse(caller, tool));
      const place = cursor === undefined ? { shelf: 0, cursor: undefined } : placeOf(cursor, visible);
      for (const [i, shelf] of visible.entries()) {
        if (i < place.shelf) continue;
        const { items, nextCursor } = await shelf.list(caller, i === place.shelf ? place.cursor : undefined);
        const next = nextCursor === null ? visible[i + 1] : shelf;
        if (next === undefined) return { resources: items };
        if (items.length > 0) return { resources: items, nextCursor: encodePlace([next.name, nextCursor]) };
      }
      return { resources: [] };
    },
    templates: ({ caller }) => ({
      resourceTemplates: [
        {
          uriTemplate: MEMORY_TEMPLATE,
          name: "memory",
          description: "What is remembered under a key.",
          mimeType: JSON_TYPE,
          tool: "memory_read",
        },
        {
          uriTemplate: SESSION_TEMPLATE,
          name: "session",
          description: "A past conversation, oldest message first; ?cursor= for the next page.",
          mimeType: JSON_TYPE,
          tool: "session_read",
        },
      ]
        .filter(({ tool }) => parts.mayUse(caller, tool))
        .map(({ tool: _, ...template }) => template),
    }),
    async read(uri, exchange) {
      const call = readingCall(uri);
      return call === null ? null : readByTool(parts, uri, call, exchange);
    },
  };
}

function shelvesOf({ store, skills }: ResourceParts): Shelf[] {
  return [
    {
      name: "skills",
      tool: "skill_load",
      async list() {
        return { items: (await skills.list()).skills.map(skillResource), nextCursor: null };
      },
    },
    {
      name: "memory",
      tool: "memory_read",
      async list(caller, cursor) {
        const page = await store.memory.list(caller.principal, pageOf(cursor));
        const items = page.items.map(({ key, updatedAt }) => ({
          uri: MEMORY_PREFIX + encodeURIComponent(key),
          name: key,
          mimeType: JSON_TYPE,
          annotations: { lastModified: new Date(updatedAt).toISOString() },
        }));
        return { items, nextCursor: page.nextCursor };
      },
    },
    {
      name: "sessions",
      tool: "session_read",
      async list(caller, cursor) {
        const page = await store.sessions.list({ owner: sessionOwner(caller), ...pageOf(cursor) });
        const items = page.items.map(({ key, title, updatedAt }) => ({
          uri: SESSION_PREFIX + sessionIdOf(key),
          name: sessionIdOf(key),
          title,
          mimeType: JSON_TYPE,
          annotations: { lastModified: new Date(updatedAt).toISOString() },
        }));
        return { items, nextCursor: page.nextCursor };
      },
    },
  ];
}

function pageOf(cursor: string | undefined) {
  return { limit: PAGE_ITEMS, ...(cursor === undefined ? {} : { cursor }) };
}

/** The call that reads what an address names; null for an address of another kind. */
function readingCall(uri: string): { tool: string; input: Record<string, string> } | null {
  try {
    if (uri.startsWith(MEMORY_PREFIX))
      return { tool: "memory_read", input: { key: decodeURIComponent(uri.slice(MEMORY_PREFIX.length)) } };
    if (!uri.startsWith(SESSION_PREFIX)) return null;
    const [id = "", query = ""] = uri.slice(SESSION_PREFIX.length).split("?", 2);
    const cursor = new URLSearchParams(query).get("cursor");
    const input = { session_id: decodeURIComponent(id), ...(cursor === null ? {} : { cursor }) };
    return { tool: "session_read", input };
  } catch {
    return null; // a `%` that encodes nothing
  }
}

async function readByTool(
  { tools }: ResourceParts,
  uri: string,
  { tool, input }: { tool: string; input: Record<string, string> },
  { caller, context }: Exchange,
): Promise<ReadResourceResult | null> {
  const result = await tools.call(tool, input, { caller, signal: context.mcpReq.signal });
  if (result.isError) return null;
  return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(result.structured) }] };
}

function placeOf(text: string, shelves: readonly Shelf[]): { shelf: number; cursor: string | undefined } {
  const place = decodePlace(text);
  const [name, cursor] = Array.isArray(place) ? place : [];
  const shelf = shelves.findIndex((one) => one.name === name);
  if (shelf < 0) throw badCursor();
  return { shelf, cursor: typeof cursor === "string" ? cursor : undefined };
}

function badCursor(): AppError {
  return new AppError("invalid_request", "The cursor is not one that this list gave out.", {
    hint: "Leave it out to start anew.",
  });
}
