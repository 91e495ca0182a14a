import { isUtf8 } from "node:buffer";
import type { Resource, ServerContext } from "@modelcontextprotocol/server";
import {
  DIRECTORY_MIME_TYPE,
  type Skill,
  type SkillSource,
  skillEntry,
} from "@modelcontextprotocol/server/ext/skills";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { SkillLibrary } from "../tools/skill/contract.ts";

export const SKILL_SCHEME = "skill://";
/** Entries of one page: each costs reading all files of the skill. */
const PAGE_SKILLS = 50;

/** What is read of the library. */
export type ReadableSkills = Pick<SkillLibrary, "list" | "read" | "readFile">;

export interface SkillSourceParts {
  library: ReadableSkills;
  /** True when the caller of the request may read skills. */
  allowed(context: ServerContext): boolean;
  log: Log;
}

/**
 * The skills as the skills extension serves them (SEP-2640): `skill://{name}/{path}`, with a digest of every file. All is read
 * anew at every request, as the library does, so that no digest is ever older than its file.
 */
export function createSkillSource({ library, allowed, log }: SkillSourceParts): SkillSource {
  const names = async (context: ServerContext) =>
    allowed(context) ? (await library.list()).skills.map(({ name }) => name) : [];

  const entryOf = async (name: string): Promise<Skill | undefined> => {
    try {
      const { files } = await library.read(name);
      const contents = await Promise.all(
        files.map(async ({ path }) => [path, (await library.readFile(name, path)).bytes] as const),
      );
      return await skillEntry(name, Object.fromEntries(contents));
    } catch (error) {
      log.warn("a skill is not served over MCP", { skill: name, error });
      return undefined;
    }
  };

  return {
    async list({ cursor }, context) {
      const all = (await names(context)).filter((name) => cursor === undefined || name > cursor).sort();
      const page = all.slice(0, PAGE_SKILLS);
      const entries = await Promise.all(page.map(entryOf));
      const last = page.at(-1);
      return {
        skills: entries.filter((entry) => entry !== undefined),
        ...(all.length > page.length && last !== undefined ? { nextCursor: last } : {}),
      };
    },
    async get(uri, context) {
      const place = skillPlace(uri);
      if (place?.path !== "SKILL.md" || !(await names(context)).includes(place.name)) return undefined;
      return entryOf(place.name);
    },
    async read(uri, context) {
      const place = skillPlace(uri);
      if (place === null || !allowed(context)) return undefined;
      const file = await orNull(library.readFile(place.name, place.path));
      if (file === null) return undefined;
      const mimeType = file.mediaType;
      return isUtf8(file.bytes)
        ? { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(file.bytes), mimeType }
        : { bytes: file.bytes, mimeType };
    },
    async readDirectory(uri, _params, context) {
      const place = skillPlace(uri);
      if (place === null || !allowed(context)) return undefined;
      const skill = await orNull(library.read(place.name));
      const children = skill === null ? [] : childrenOf(place, skill.files);
      return children.length === 0 ? undefined : { resources: children };
    },
    async listResources(context) {
      return allowed(context) ? (await library.list()).skills.map(skillResource) : [];
    },
  };
}

/** The SKILL.md of a skill in a list of resources. */
export function skillResource({ name, description }: { name: string; description: string }): Resource {
  return { uri: skillUri(name, "SKILL.md"), name, description, mimeType: "text/markdown" };
}

/** The skill and the path below its folder that an address names; the path is empty for the folder itself. */
export function skillPlace(uri: string): { name: string; path: string } | null {
  if (!uri.startsWith(SKILL_SCHEME)) return null;
  try {
    const [name = "", ...path] = uri.slice(SKILL_SCHEME.length).split("/").map(decodeURIComponent);
    return name === "" ? null : { name, path: path.join("/") };
  } catch {
    return null; // a `%` that encodes nothing
  }
}

function skillUri(name: string, path: string): string {
  return SKILL_SCHEME + [name, ...path.split("/")].map(encodeURIComponent).join("/");
}

/** What stands directly in a folder, by its address. */
function childrenOf(
  { name, path }: { name: string; path: string },
  files: readonly { path: string; sizeBytes: number; mediaType: string }[],
): Resource[] {
  const folder = path === "" ? "" : `${path.replace(/\/$/, "")}/`;
  const children = new Map<string, Resource>();
  for (const file of files) {
    if (!file.path.startsWith(folder)) continue;
    const [child = "", ...deeper] = file.path.slice(folder.length).split("/");
    const uri = skillUri(name, folder + child);
    children.set(
      child,
      deeper.length > 0
        ? { uri, name: child, mimeType: DIRECTORY_MIME_TYPE }
        : { uri, name: child, mimeType: file.mediaType, size: file.sizeBytes },
    );
  }
  return [...children.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

/** Null where there is no such skill or file, or none that can be used. */
async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return null;
    throw error;
  }
}
