/** What the store keeps and gives out, as plain data. All times are milliseconds since the epoch. */

/** What a model call or a turn used. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cachedTokens?: number;
  reasoningTokens?: number;
  /** In US dollars by the catalogue's price; absent when the price is not known. */
  costUsd?: number;
}

/** A session is a conversation. Its key is `<owner>/<id>`: a caller names only the id, so it can never reach another owner's. */
export interface Session {
  key: string;
  /** Who it belongs to, with the door in front: `api:owner`, `cli:owner`, later `telegram:123`. */
  owner: string;
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  messageCount: number;
}

/** Who said a message. */
export type MessageRole = "user" | "assistant" | "tool";

/** A call that a model asks for. */
export interface ToolCallRecord {
  id: string;
  name: string;
  /** The arguments as the model wrote them: JSON text, perhaps malformed. */
  arguments: string;
}

/** A part of a message. The data of images and recordings is base64. */
export type Part =
  | { type: "text"; text: string }
  | { type: "image"; mediaType: string; data: string }
  | { type: "audio"; mediaType: string; data: string };

/** A message that is not stored yet. */
export interface NewMessage {
  role: MessageRole;
  parts: Part[];
  /** Assistant: the calls it asked for. */
  toolCalls?: ToolCallRecord[];
  /** Tool: the call that this answers. */
  toolCallId?: string;
  toolName?: string;
  isError?: boolean;
  /** Assistant: thinking text, which some providers want back inside a tool loop. */
  reasoning?: string;
  /** Assistant: what else the provider wants back, opaque to everyone else. */
  providerData?: unknown;
  usage?: Usage;
  model?: string;
}

/** A stored message. */
export interface Message extends NewMessage {
  /** Rising within the whole store: the order of the conversation and the cursor of paging. */
  id: number;
  sessionKey: string;
  runId: string;
  createdAt: number;
}

/** How a run stands. */
export type RunStatus = "queued" | "running" | "completed" | "failed" | "cancelled";
/** What asked for the run; `delegate` is a sub-task of another run or of a caller. */
export type RunKind = "chat" | "execute" | "delegate";

/** Why a run failed, fit for its caller. */
export interface RunError {
  code: string;
  message: string;
  hint?: string;
}

/** The durable record of one turn. */
export interface Run {
  id: string;
  sessionKey: string;
  kind: RunKind;
  status: RunStatus;
  /** What the agent needs to run it, as it was accepted (caller, model, tools, attachments); opaque to the store. */
  request: unknown;
  /** The process that runs it (see `Instances`); null while queued. */
  instance: string | null;
  /** How often it was started: more than 1 after a crash. */
  attempts: number;
  cancelRequested: boolean;
  response: string | null;
  /** Why the model stopped: `stop`, or `length` for an answer that was cut off. */
  finishReason: string | null;
  model: string | null;
  error: RunError | null;
  usage: Usage | null;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
}

/** Which delivery this is, for doors that deliver more than once (`Idempotency-Key`, platform message ids). */
export interface Delivery {
  /** The name space of ids: `api:owner`, `telegram:bot42`. */
  source: string;
  id: string;
  /** Hash of the request; another one under the same id is `idempotency_mismatch`. */
  fingerprint: string;
  /** Further ids by which it is known from then on, where nothing else is known by them yet. */
  aliases?: readonly string[];
  /** When what it asked for has failed, it is taken on once more instead of being known. */
  retriesFailed?: boolean;
}

/** A run to be taken on. */
export interface NewRun {
  id: string;
  kind: RunKind;
  /** `parentRunId`: a new session of a sub-task of that run, and gone with it. */
  session: { owner: string; id: string; parentRunId?: string };
  request: unknown;
  /** The user's message, stored with the run. */
  message: NewMessage;
  delivery?: Delivery;
  /** How its answer leaves through a platform: kept with the run, so that no crash comes between the two. */
  reply?: NewOutboundDelivery;
  /**
   * It takes the place of the session's last turn, whose message it takes over instead of `message`. Refused with `not_found`
   * when there is none, and with `conflict` while a run of the session is open.
   */
  replacesLastTurn?: boolean;
  /** While a run of the session is running, its message goes to that one; see `RunStore.absorb`. */
  joinsRunning?: boolean;
  /** What others are told of its acceptance. */
  told?: NewWebhookEvent | undefined;
}

/** An event that is told to others, written in the transaction of what it tells of. */
export interface NewWebhookEvent {
  /** The same at every try and for every endpoint, so that a receiver knows what it has had. */
  id: string;
  type: string;
  /** The JSON text that every endpoint gets, byte for byte. */
  body: string;
  /** The names of the endpoints that it goes to. */
  endpoints: readonly string[];
}

/** One event of a run; `data` is the JSON text that every client gets, byte for byte. */
export interface RunEventRecord {
  seq: number;
  type: string;
  data: string;
}
/** An event that has no number yet. */
export interface NewRunEvent extends Omit<RunEventRecord, "seq"> {
  /** What others are told of it: kept with it, so that no crash comes between the two. */
  told?: NewWebhookEvent | undefined;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Pass as `cursor` for the next page; null at the end. */
  nextCursor: string | null;
}
/** Which page is wanted. */
export interface PageRequest {
  limit: number;
  cursor?: string;
}

/** A message that a search found. */
export interface MessageHit {
  message: Message;
  /** The place of the match, plain text, at most 200 characters. */
  snippet: string;
}

/** What a call of a run asks somebody to allow. */
export interface NewApproval {
  id: string;
  callId: string;
  tool: string;
  question: string;
  details: string;
}

/** What somebody said to it. */
export interface ApprovalDecision {
  approved: boolean;
  /** Who decided: a principal, or `hermes` for a wait that ended by itself. */
  by: string;
  reason?: string;
}

/** A question that a call of a run asked, and what became of it. */
export interface Approval extends NewApproval {
  runId: string;
  /** Null until somebody decides. */
  decision: ApprovalDecision | null;
  createdAt: number;
}

/** A call of a run as its journal knows it. */
export interface ToolCallState {
  call: ToolCallRecord;
  /** False: it began and its outcome is not known. */
  finished: boolean;
}

/** How a run ended. */
export type RunOutcome =
  | { status: "completed"; response: string; finishReason: string; model: string; usage: Usage }
  | { status: "failed"; error: RunError; usage: Usage }
  | { status: "cancelled"; usage: Usage };

/** One entry of the memory. */
export interface MemoryEntry {
  key: string;
  value: unknown;
  /** Who wrote it: a door and a run, such as `api` or `run_01k…`. */
  source: string;
  createdAt: number;
  updatedAt: number;
}

/** How a task stands. */
export type TodoStatus = "pending" | "in_progress" | "completed" | "cancelled";
/** One task of a to-do list. */
export interface Todo {
  id: string;
  title: string;
  notes: string;
  status: TodoStatus;
  createdAt: number;
  updatedAt: number;
}

/** How a delivery stands: `waiting` for its run to end, `due` to be sent, `sent`, or `dead`: given up. */
export type DeliveryStatus = "waiting" | "due" | "sent" | "dead";

/** What a delivery is: the answer of a run, a question for an approval, Hermes's own words, or what somebody sent by command. */
export type DeliveryKind = "answer" | "approval" | "notice" | "send";

/** Where a delivery goes: an account of a platform and a chat there. */
export interface DeliveryTarget {
  platform: string;
  /** The name of the account; empty for the only one. */
  account: string;
  chat: string;
  thread?: string;
  /** The message that it answers. */
  replyTo?: string;
}

/** A message to leave through a platform. */
export interface NewOutboundDelivery {
  /** The same id is never taken twice: the first one stays. At most 48 characters of [A-Za-z0-9_-]. */
  id: string;
  kind: DeliveryKind;
  target: DeliveryTarget;
  /** The run whose answer it is, or which asks. */
  runId?: string;
  /** Markdown. Absent for an answer: the run has it once it has ended. */
  text?: string;
  /** What the sender needs besides (buttons, the language of the person, the id for a reaction); opaque to the store. */
  extra?: unknown;
}

/** A message of a delivery that the platform has taken. */
export interface SentPart {
  messageId: string;
}

/** A message to leave through a platform, and how far it is. */
export interface OutboundDelivery extends NewOutboundDelivery {
  /** The order of acceptance: within one chat, messages leave in it. */
  position: number;
  status: DeliveryStatus;
  /** What was sent so far, in order. */
  parts: SentPart[];
  /** Tries since it was last made due: those that failed, and the one that sent it. */
  attempts: number;
  /** Not before this moment is it tried again. */
  dueAt: number;
  /** Why the last try failed, fit for the operator. */
  error: RunError | null;
  createdAt: number;
  finishedAt: number | null;
}

/** What is kept of a conversation in a chat. */
export interface ChatState {
  /** The current session, by its id within the owner's. Null: the one that the chat has by nature. */
  sessionId: string | null;
  /** The model that was chosen there with a command. */
  model: string | null;
}

/** A chat that goes on under another id. */
export interface ChatMove {
  platform: string;
  account: string;
  from: string;
  to: string;
}

/** Somebody who is known by a code, or asks to be. */
export interface Pairing {
  platform: string;
  account: string;
  userId: string;
  /** For showing only. */
  name: string;
  /** Where the code was asked for: a direct chat. */
  chat: string;
  /** What a message to that chat needs besides; opaque to the store. */
  extra: unknown;
  status: "pending" | "approved";
  createdAt: number;
  /** Of a pending one. */
  expiresAt: number | null;
  approvedAt: number | null;
  /** A principal, or `cli`. */
  approvedBy: string | null;
}

/** What became of somebody's wish for a code. `known`: the code that is open is theirs still, but only its hash is kept. */
export type PairingRequest =
  | { outcome: "code"; code: string; expiresAt: number }
  | { outcome: "known" | "too_many" | "locked" };

/** What a process that connects an account tells of it. */
export interface AccountRecord {
  platform: string;
  account: string;
  /** The process that holds the account; null when none does. */
  instance: string | null;
  /** How it is, as the holder wrote it last; opaque to the store. */
  health: unknown;
  /** What the adapter keeps over restarts; opaque to the store. */
  state: unknown;
  updatedAt: number;
}
