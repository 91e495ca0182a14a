import type { Client, StandardSchemaV1 } from "@modelcontextprotocol/client";
import type { OutsideDefinition } from "./definition.ts";
import { readDefinition } from "./definition.ts";
import { outsideToolName } from "./names.ts";

/** Pages of a list, and tools on them, that are read; a server whose pages never end stops here. */
const MAX_PAGES = 64;
const MAX_LISTED = 5000;
/** Characters of JSON of a list that are read; the page that goes beyond is the first that is not. */
const MAX_LISTED_CHARS = 8_388_608;
/** Tools of one server that are offered: model providers refuse requests with more than 128. */
const MAX_OFFERED = 128;
/** Definitions of one server that are offered, in characters of JSON. */
const MAX_OFFERED_CHARS = 262_144;

/** What a server offers, and what of it is not passed on. */
export interface Listing {
  /** By the name in Hermes, in the order of the server. */
  offered: ReadonlyMap<string, OutsideDefinition>;
  /** One line each, for the log. */
  leftOut: readonly string[];
}

interface Page {
  tools?: unknown;
  nextCursor?: unknown;
}

/** Lets any result through: each definition is judged by itself, so that a bad one does not take the others with it. */
const anyPage: StandardSchemaV1<unknown, Page> = {
  "~standard": { version: 1, vendor: "hermes", validate: (value: unknown) => ({ value: value as Page }) },
};

/** Every tool definition of the server as it sent it, all pages up to a bound. Raises what the request raises. */
export async function listRawTools(
  client: Client,
  options: { timeout: number; signal: AbortSignal },
): Promise<unknown[]> {
  const listed: unknown[] = [];
  if (!client.getServerCapabilities()?.tools) return listed;
  let cursor: string | undefined;
  let chars = 0;
  for (let page = 0; page < MAX_PAGES && listed.length < MAX_LISTED; page++) {
    const { tools, nextCursor } = await client.request(
      { method: "tools/list", params: cursor === undefined ? {} : { cursor } },
      anyPage,
      options,
    );
    if (!Array.isArray(tools)) break;
    chars += JSON.stringify(tools).length;
    if (chars > MAX_LISTED_CHARS) break;
    listed.push(...tools);
    if (typeof nextCursor !== "string" || nextCursor === cursor) break;
    cursor = nextCursor;
  }
  return listed.slice(0, MAX_LISTED);
}

/** Chooses what is passed on: what the operator allows, and what is within the limits. `allowed` is undefined for all. */
export function chooseTools(
  server: string,
  raw: readonly unknown[],
  allowed: readonly string[] | undefined,
): Listing {
  const offered = new Map<string, OutsideDefinition>();
  const leftOut: string[] = [];
  const seen = new Set<string>();
  let chars = 0;
  let beyond = 0;
  for (const one of raw) {
    const read = readDefinition(one);
    const named = read.ok ? read.definition.name : read.name;
    if (allowed && !allowed.includes(named)) continue;
    if (!read.ok) {
      leftOut.push(`${named}: ${read.why}`);
      continue;
    }
    const name = outsideToolName(server, named);
    if (seen.has(named) || offered.has(name)) {
      leftOut.push(`${named}: the server has another tool of that name`);
      continue;
    }
    seen.add(named);
    chars += JSON.stringify(read.definition.inputSchema).length + read.definition.description.length;
    if (offered.size < MAX_OFFERED && chars <= MAX_OFFERED_CHARS) offered.set(name, read.definition);
    else beyond += 1;
  }
  if (beyond > 0)
    leftOut.push(`${beyond} more: too many or too large; name those you need in the server's \`tools\``);
  for (const name of allowed ?? [])
    if (!raw.some((one) => hasName(one, name))) leftOut.push(`${name}: the server has no such tool`);
  return { offered, leftOut };
}

function hasName(raw: unknown, name: string): boolean {
  return typeof raw === "object" && raw !== null && "name" in raw && raw.name === name;
}
