import { Type } from "typebox";
import {
  allToolGroups,
  approvalMode,
  count,
  flag,
  oneOf,
  secret,
  section,
  text,
  words,
} from "./schema-parts.ts";

const file = section("Files.", {
  roots: words(
    "Directories that the file and terminal tools may read and write; relative paths begin at the first. Default: workspace in Hermes's home.",
  ),
  read_only_roots: words("Further directories that they may only read."),
});

const terminal = section("Commands, in a sandbox.", {
  network: flag(false, "Let commands use the network. They then reach whatever this machine reaches."),
  sandbox: oneOf(["auto", "bubblewrap", "landlock"], {
    description: "auto: bubblewrap where it works, else Landlock, else commands are refused.",
    default: "auto",
  }),
  unsafe: flag(false, "Run commands without a sandbox where there is none. They can do what Hermes can do."),
  approval: approvalMode(
    "Whether somebody must agree to each command: deny, ask or allow. Default: allow in a sandbox, ask without one.",
  ),
  timeout_ms: count(120_000, 100, 86_400_000, "Time a command gets when the caller names none."),
  max_timeout_ms: count(600_000, 100, 86_400_000, "The most time a caller may name."),
  background_timeout_ms: count(14_400_000, 100, 604_800_000, "Time a command in the background gets."),
  max_concurrent: count(8, 1, 1000, "Commands that run at once, those in the background included."),
  max_processes: count(256, 8, 100_000, "Processes and threads of one command."),
  max_memory_mb: count(2048, 64, 1_048_576, "Memory of one command; no process of it can have more."),
  max_file_mb: count(1024, 1, 1_048_576, "Size of a file that a command writes."),
  min_free_disk_mb: count(512, 0, 1_048_576, "Commands that fill the disk are stopped when less is left."),
  env: Type.Record(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }), Type.String(), {
    description: "Variables that commands see, besides PATH, HOME, LANG and the like.",
    form: "the name of a variable",
    additionalProperties: false,
    default: {},
  }),
});

const web = section("Search and reading of web pages.", {
  search: section("Where web_search searches.", {
    provider: Type.Optional(
      oneOf(["searxng", "brave", "tavily", "exa", "bing"], {
        description: "Default: the first of them that is configured.",
      }),
    ),
    searxng: section("A SearXNG server.", {
      base_url: text({ description: "Its address.", env: "SEARXNG_URL", sample: "http://127.0.0.1:8888" }),
    }),
    brave: section("Brave Search.", {
      api_key: secret({ description: "Its key.", env: "BRAVE_API_KEY" }),
      base_url: text({ description: "Another address of the same API." }),
    }),
    tavily: section("Tavily.", {
      api_key: secret({ description: "Its key.", env: "TAVILY_API_KEY" }),
      base_url: text({ description: "Another address of the same API." }),
    }),
    exa: section("Exa.", {
      api_key: secret({ description: "Its key.", env: "EXA_API_KEY" }),
      base_url: text({ description: "Another address of the same API." }),
    }),
    bing: section("An API that is compatible with Bing Web Search v7.", {
      api_key: secret({ description: "Its key.", env: "BING_API_KEY" }),
      base_url: text({ description: "Its address." }),
    }),
  }),
  timeout_ms: count(30_000, 100, 600_000, "Time for one page or search."),
  max_bytes: count(10_485_760, 1024, 104_857_600, "Largest page or PDF."),
});

const delegate = section("Sub-tasks.", {
  max_depth: count(2, 0, 8, "How deep sub-tasks may give sub-tasks; 0: none at all."),
  max_parallel: count(4, 1, 100, "Sub-tasks of one turn that run at once."),
});

const skill = section("Skills.", {
  approval: approvalMode(
    "Whether somebody must agree to a new or changed skill: deny, ask or allow. Default: ask.",
  ),
});

/** One entry of `tools.mcp_servers`; a section, because only those get the defaults of their keys inside a map. */
const mcpServer = section("A server whose tools Hermes uses: a command, or a URL.", {
  enabled: flag(true, "Use it."),
  command: text({ description: "Program that speaks MCP over stdio." }),
  args: words("Its arguments."),
  env: Type.Record(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }), Type.String({ secret: true }), {
    description:
      "Its variables, besides PATH, HOME, LANG and the like; nothing else of Hermes's environment.",
    form: "the name of a variable",
    additionalProperties: false,
    default: {},
  }),
  url: text({ description: "Address of a server that speaks Streamable HTTP." }),
  headers: Type.Record(Type.String(), Type.String({ secret: true }), {
    description: "Headers that are sent to it, such as Authorization.",
    additionalProperties: false,
    default: {},
  }),
  tools: Type.Optional(
    Type.Array(Type.String(), { description: "The tools of it that may be used. Default: all of them." }),
  ),
  approval: approvalMode(
    "Whether somebody must agree to calls that are not marked as reading only: deny, ask or allow. Default: allow.",
  ),
  connect_timeout_ms: count(15_000, 100, 600_000, "Time to start and to greet."),
  timeout_ms: count(60_000, 100, 86_400_000, "Time for one call."),
});

/** Section `tools`. */
export const tools = section("Which tools the agent and the callers have, and their limits.", {
  groups: allToolGroups("Tool groups that are switched on."),
  file,
  terminal,
  web,
  delegate,
  skill,
  mcp_servers: Type.Record(Type.String({ pattern: "^[A-Za-z0-9-]{1,24}$" }), mcpServer, {
    description: "Outside MCP servers; their tools are named mcp_{server}_{tool}.",
    form: "1 to 24 letters, digits and -",
    additionalProperties: false,
    default: {},
  }),
});
