import type { Static, TSchema } from "typebox";
import type { ToolGroup } from "../config/tool-groups.ts";

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
  /** What becomes of calls that need an approval; absent: what the configuration says of the tool. Can only be stricter. */
  approval?: ApprovalMode;
}

/** `ask` asks whoever is behind the caller, and denies where nobody can be asked. From the strictest on. */
export const APPROVAL_MODES = ["deny", "ask", "allow"] as const;
/** What becomes of a call that needs an approval. */
export type ApprovalMode = (typeof APPROVAL_MODES)[number];

/** What somebody is asked to allow. */
export interface ApprovalRequest {
  tool: string;
  /** One sentence: what will be done. */
  question: string;
  /** The command, the diff: everything there is to judge by, as plain text. */
  details: string;
}

/** Why a call may not go on, where it may not. */
export type ApprovalAnswer = { approved: true } | { approved: false; reason: string };

/** `read` may be repeated after a crash; `write` and `send` are never run twice without being asked. */
export type Effect = "read" | "write" | "send";

/** What a call knows of who calls it, and how it reaches them. */
export interface ToolContext {
  caller: Caller;
  /** The session and the run that call, absent outside a turn. */
  sessionKey?: string;
  runId?: string;
  /** The id of the call within the run. The same call has the same id when it is made again after a restart. */
  callId?: string;
  signal: AbortSignal;
  /** Tells how far it is; absent where nobody wants to know. Never throws. */
  progress?(step: ToolProgress): void;
  /**
   * Asks whoever is behind the caller; absent where nobody can be asked. Rejects only with the reason of `signal`. Where it
   * can, it stops asking once `withdrawn` aborts, and then the answer is no.
   */
  approve?(request: ApprovalRequest, withdrawn?: AbortSignal): Promise<ApprovalAnswer>;
}

/** How far a call is. */
export interface ToolProgress {
  message: string;
  /** Rises with every step of the call. */
  done?: number;
  total?: number;
}

/** An image for models that see; others are told of it by the text of the result. */
export interface ToolImage {
  /** `image/png`, `image/jpeg`, `image/gif` or `image/webp`. */
  mediaType: string;
  /** In base64. */
  data: string;
}

/** What a call answers. */
export interface ToolResult {
  /** What the model reads. */
  text: string;
  /** The same as data, matching the tool's `output` schema. */
  structured?: unknown;
  images?: readonly ToolImage[];
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
  /** It replaces or removes what was there. Default: false. */
  destructive?: boolean;
  /** Called twice with the same arguments it does no more than called once. Default: true for `read`, else false. */
  idempotent?: boolean;
  /** It reaches beyond this machine. Default: false. */
  openWorld?: boolean;
  /** A call made again with the same `callId` goes on with the first one, so that it may be made again after a crash. */
  resumes?: boolean;
  /**
   * What the system prompt says to callers that may use the tool, asked once a turn; null: nothing. The operator's word, and
   * short, because every step of the turn pays for it.
   */
  prompt?(): Promise<string | null>;
  /** What has to be approved before `run`, or null when nothing has; absent: never anything. Throws nothing but what `run` may. */
  approval?(input: Static<Input>, context: ToolContext): Promise<ApprovalRequest | null>;
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

/** Whose session it is. */
export function ownerOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

/** The id of the session, which is what its owner sees of the key. */
export function sessionIdOf(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}
