import type { Static, TSchema } from "typebox";

/** What a key or a door may do. `admin` includes the others and reaches every owner's sessions. */
export type Scope = "read" | "chat" | "tools" | "admin";

/** Where a request came in. */
export type Door = "api" | "cli" | "mcp-stdio" | "mcp-http" | "gateway" | "webhook";

/** Who asks. Made by a door after it has checked the credential; never from anything the caller wrote. */
export interface Caller {
  door: Door;
  /** The name of the key or the account; memory, todos and sessions belong to it. */
  principal: string;
  scopes: readonly Scope[];
  /** Tool or group names the caller is narrowed to; absent: all that its scopes allow. */
  tools?: readonly string[];
}

/** `read` may be repeated after a crash; `write` and `send` are never run twice without being asked. */
export type Effect = "read" | "write" | "send";

export const TOOL_GROUPS = [
  "memory",
  "todolist",
  "file",
  "terminal",
  "web",
  "delegate",
  "skill",
  "session",
] as const;
export type ToolGroup = (typeof TOOL_GROUPS)[number];

export interface ToolContext {
  caller: Caller;
  /** The session and the run that call, absent outside a turn. */
  sessionKey?: string;
  runId?: string;
  signal: AbortSignal;
}

export interface ToolResult {
  /** What the model reads. */
  text: string;
  /** The same as data, matching the tool's `output` schema. */
  structured?: unknown;
  isError?: boolean;
}

/** One definition per tool, served unchanged to the agent, MCP and REST. */
export interface Tool<Input extends TSchema = TSchema> {
  /** `group_verb`. */
  name: string;
  group: ToolGroup;
  /** For people, a few words. */
  title: string;
  /** For the model; short, because every turn pays for it. */
  description: string;
  input: Input;
  output?: TSchema;
  effect: Effect;
  /** Must not throw for bad input or a missing thing: that is a result with `isError`. */
  run(input: Static<Input>, context: ToolContext): Promise<ToolResult>;
}

/** Gives a definition its input type; adds nothing at run time. */
export function defineTool<Input extends TSchema>(tool: Tool<Input>): Tool {
  return tool as unknown as Tool;
}

/** What the id of a session or a run may be: chosen by a client, or made by Hermes. */
export const ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$";

/** The owner of a caller's sessions: the door and the principal, so that doors never share sessions by accident. */
export function sessionOwner(caller: Caller): string {
  return `${caller.door}:${caller.principal}`;
}

/** The key of a session in the store. Owners hold no slash, so no id reaches into another owner's keys. */
export function sessionKey(owner: string, id: string): string {
  return `${owner}/${id}`;
}

/** The id of the session, which is what its owner sees of the key. */
export function sessionIdOf(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}
