import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "..");

/** Rooms from the outermost to the innermost; rooms of one row do not import one another. */
const LAYERS = [
  ["main"],
  ["cli"],
  ["app"],
  ["http"],
  ["mcp"],
  ["gateway"],
  ["agent"],
  ["webhooks", "models", "tools", "platforms"],
  ["store"],
  ["config"],
  ["lib"],
];

/** What only one place may use: the pattern of the import or the text, and the files that may. */
const RESERVED = [
  { what: "SQL", imports: /^(drizzle-orm|bun:sqlite)/, allowed: /^src\/store\// },
  { what: "Elysia", imports: /^(elysia$|elysia\/|@elysiajs\/)/, allowed: /^src\/http\// },
  { what: "grammY", imports: /^grammy/, allowed: /^src\/platforms\/telegram\// },
  {
    what: "the clients of Discord",
    imports: /^(@discordjs\/|discord)/,
    allowed: /^src\/platforms\/discord\//,
  },
  { what: "the clients of Slack", imports: /^@slack\//, allowed: /^src\/platforms\/slack\// },
  { what: "the parser of Markdown", imports: /^marked$/, allowed: /^src\/platforms\/[^/]+\.ts$/ },
  { what: "workers", text: /\bnew Worker\(/, allowed: /^src\/gateway\/supervisor\.ts$/ },
  { what: "commander", imports: /^commander/, allowed: /^src\/(cli\/|main\.ts)/ },
  {
    what: "the SDK of MCP",
    imports: /^@modelcontextprotocol\//,
    allowed: /^src\/(mcp\/|tools\/mcp-servers\/)/,
  },
  { what: "the MCP server package", imports: /^@modelcontextprotocol\/server/, allowed: /^src\/mcp\// },
  { what: "jose", imports: /^jose$/, allowed: /^src\/http\/oauth\// },
  { what: "the AI SDK", imports: /^@ai-sdk\//, allowed: /^src\/models\// },
  {
    what: "the parsers of pages",
    imports: /^(defuddle|linkedom|unpdf)\b/,
    allowed: /^src\/tools\/web\/read-(html|pdf)\.ts$/,
  },
  {
    what: "what parses pages",
    imports: /\/read-(html|pdf)\.ts$/,
    allowed: /^src\/tools\/web\/reading-process\.ts$/,
  },
  { what: "bun:ffi", imports: /^bun:ffi$/, allowed: /^src\/lib\/libc\.ts$/ },
  { what: "opening by descriptor", text: /\/proc\/self\/fd/, allowed: /^src\/lib\/beneath\.ts$/ },
  {
    what: "child processes",
    text: /\bBun\.spawn|node:child_process/,
    allowed: /^src\/tools\/(terminal\/(command|guard-process)|web\/reader|mcp-servers\/process-group)\.ts$/,
  },
  { what: "its own command line", text: /\bexecPath\b/, allowed: /^src\/tools\/self\.ts$/ },
  { what: "the environment", text: /\b(process|Bun)\.env\b/, allowed: /^src\/config\/load\.ts$/ },
  { what: "process.exit", text: /\bprocess\.exit(Code)?\b/, allowed: /^src\/main\.ts$/ },
  { what: "timingSafeEqual", text: /\btimingSafeEqual\b/, allowed: /^src\/lib\/secrets\.ts$/ },
];

/** What takes long to load: it is loaded when it is first used, so that no start waits for it. */
const HEAVY =
  /^(@modelcontextprotocol|@ai-sdk|elysia|@elysiajs|swagger-ui-dist|jose|defuddle|linkedom|unpdf|re2js|diff|grammy|@discordjs|@slack|marked)\b/;
/** What every start loads. */
const LOADED_AT_START = ["src/main.ts", "src/cli/program.ts", "src/app/open.ts", "src/app/serve.ts"];

interface Source {
  path: string;
  room: string;
  text: string;
  imports: string[];
  /** Those that are loaded together with the file: neither types nor `import()`. */
  loads: string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^;"']*?\sfrom\s*)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;

const LOADING = /(?:^|\n)(?:import|export)\s(?!type\b)(?:([^;"']*?)\sfrom\s*)?["']([^"']+)["']/g;
/** `{ type A, type B }` loads nothing. */
const ONLY_TYPES = /^\{(\s*type\s+[^,}]+,?)+\s*\}$/;

function readSources(): Source[] {
  return [...new Glob("src/**/*.ts").scanSync(ROOT)].sort().map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
    const loads = [...text.matchAll(LOADING)]
      .filter(([, names]) => !ONLY_TYPES.test(names ?? ""))
      .map(([, , name]) => name ?? "");
    return { path, room: roomOf(path), text, imports, loads };
  });
}

/** `src/http/api/chat.ts` is in room `http`, `src/main.ts` is room `main`. */
function roomOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

function resolveImport(from: string, specifier: string): string {
  return relative(ROOT, join(ROOT, dirname(from), specifier));
}

const sources = readSources();
const layerOf = (room: string) => LAYERS.findIndex((rooms) => rooms.includes(room));

describe("architecture", () => {
  test("every file is in a room of the plan", () => {
    expect(sources.filter((source) => layerOf(source.room) < 0).map((source) => source.path)).toEqual([]);
  });

  test("imports go inwards only, type imports included", () => {
    const wrong: string[] = [];
    for (const source of sources)
      for (const specifier of source.imports.filter((name) => name.startsWith("."))) {
        const target = resolveImport(source.path, specifier);
        if (!target.startsWith("src/")) {
          if (target !== "package.json") wrong.push(`${source.path} -> ${target}`);
          continue;
        }
        const room = roomOf(target);
        if (room !== source.room && layerOf(room) <= layerOf(source.room))
          wrong.push(`${source.path} -> ${target}`);
      }
    expect(wrong).toEqual([]);
  });

  test("a platform imports only what platforms share, the config and lib", () => {
    const folderOf = (path: string) => /^src\/platforms\/[^/]+\//.exec(path)?.[0];
    const wrong = sources
      .filter((source) => folderOf(source.path) !== undefined)
      .flatMap((source) =>
        source.imports
          .filter((name) => name.startsWith("."))
          .map((name) => resolveImport(source.path, name))
          .filter((target) => folderOf(target) !== folderOf(source.path))
          .filter((target) => !/^src\/(platforms\/[^/]+\.ts$|config\/|lib\/)/.test(target))
          .map((target) => `${source.path} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("there are no import cycles", () => {
    const edges = new Map(
      sources.map((source) => [
        source.path,
        source.imports.filter((name) => name.startsWith(".")).map((name) => resolveImport(source.path, name)),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: string[]) => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      else if (!done.has(path)) {
        for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
        done.add(path);
      }
    };
    for (const path of edges.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  test("nothing that takes long to load is loaded at the start", () => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const seen = new Set<string>(LOADED_AT_START);
    const heavy: string[] = [];
    for (const path of seen)
      for (const name of byPath.get(path)?.loads ?? [])
        if (name.startsWith(".")) seen.add(resolveImport(path, name));
        else if (HEAVY.test(name)) heavy.push(`${path} -> ${name}`);
    expect(LOADED_AT_START.filter((path) => !byPath.has(path))).toEqual([]);
    expect(seen.size).toBeGreaterThan(100);
    expect(heavy).toEqual([]);
  });

  test("no command waits for the configuration that another one reads", () => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const seen = new Set(["src/cli/program.ts"]);
    for (const path of seen)
      for (const name of byPath.get(path)?.loads ?? [])
        if (name.startsWith(".")) seen.add(resolveImport(path, name));
    expect(seen.size).toBeGreaterThan(20);
    const packages = [...seen].flatMap((path) =>
      (byPath.get(path)?.loads ?? []).filter((name) => !/^(\.|node:)/.test(name)),
    );
    expect([...new Set(packages)].toSorted()).toEqual(["commander", "picocolors"]);
    expect([...seen].filter((path) => /^src\/(config\/(load|schema)|store|app)\b/.test(path))).toEqual([]);
  });

  for (const rule of RESERVED)
    test(`only one place uses ${rule.what}`, () => {
      const users = sources.filter((source) =>
        rule.imports
          ? source.imports.some((name) => rule.imports.test(name))
          : rule.text.test(source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")),
      );
      expect(users.map((source) => source.path).filter((path) => !rule.allowed.test(path))).toEqual([]);
    });

  test("no file is named for nothing", () => {
    expect(
      sources
        .filter((source) => /(util|common|manager|helper|misc)s?\b/.test(source.path))
        .map((s) => s.path),
    ).toEqual([]);
  });

  test("the lock file names no registry", () => {
    expect(readFileSync(join(ROOT, "bun.lock"), "utf8")).not.toMatch(/https?:\/\//);
  });
});
