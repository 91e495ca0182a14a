import type {
  AccountRecord,
  Approval,
  ApprovalDecision,
  ChatMove,
  ChatState,
  Delivery,
  DeliveryStatus,
  MemoryEntry,
  Message,
  MessageHit,
  NewApproval,
  NewMessage,
  NewOutboundDelivery,
  NewRun,
  NewRunEvent,
  OutboundDelivery,
  Page,
  PageRequest,
  Pairing,
  PairingRequest,
  Run,
  RunError,
  RunEventRecord,
  RunOutcome,
  RunStatus,
  SentPart,
  Session,
  Todo,
  TodoStatus,
  ToolCallRecord,
  ToolCallState,
} from "./records.ts";
import type { WebhookStore } from "./webhook-contract.ts";

/**
 * The store as the rest of Hermes sees it: one narrow asynchronous interface per aggregate, no SQL. A method that writes
 * resolves once its rows are on disk (WAL, synchronous=FULL) and rejects with `store_unavailable` otherwise.
 */

/** Sessions, their messages and the search over them. */
export interface SessionStore {
  get(key: string): Promise<Session | null>;
  /** Newest first, without the sessions of sub-tasks. Without an owner: everybody's. */
  list(page: PageRequest & { owner?: string }): Promise<Page<Session>>;
  /** Oldest first. `newest: true` gives the last `limit` messages, still oldest first. */
  messages(key: string, page: PageRequest & { newest?: boolean }): Promise<Page<Message>>;
  /**
   * Full-text search over messages, best match first. Any text is a valid query; Chinese words of two characters are found.
   * What was said in sub-tasks is found only by the key of their session.
   */
  search(
    query: string,
    page: PageRequest & { owner?: string; sessionKey?: string },
  ): Promise<Page<MessageHit>>;
  /**
   * Removes the session with its messages, runs and their sub-tasks. False when there is none; `conflict` while one of these
   * runs is open.
   */
  delete(key: string): Promise<boolean>;
  /** The summary that stands for all messages up to `throughId`, or null. */
  summary(key: string): Promise<{ text: string; throughId: number } | null>;
  saveSummary(key: string, summary: { text: string; throughId: number }): Promise<void>;
  /**
   * Takes the last turn back, with everything that was said in it; the text of its user message, or null when there is no
   * turn. `delivery`: the request for it, which when it comes again changes nothing and gives the same answer. Rejects with
   * `conflict` while a run of the session is open.
   */
  undo(key: string, delivery: Delivery): Promise<string | null>;
}

/** Steps and outcomes are taken from the process that runs the run; anybody else, but for a cancel, gets `conflict`. */
export interface RunStore {
  /**
   * Puts the run, its session (made when missing) and the user's message on disk in one transaction. A delivery that is
   * known returns the first one's run with `duplicate: true`, or rejects with `idempotency_mismatch`. With `retriesFailed`, the
   * run takes the place of one that failed or was cancelled.
   */
  accept(run: NewRun): Promise<{ run: Run; duplicate: boolean }>;
  get(id: string): Promise<Run | null>;
  list(page: PageRequest & { owner?: string; status?: RunStatus }): Promise<Page<Run>>;
  /**
   * Moves a queued run to running under this instance; at its first start it gets these events in the same transaction.
   * `busy`: another run of its session is running somewhere, or an older one still waits. `ended`: it is not queued any
   * more, or never was.
   */
  start(id: string, instance: string, firstEvents?: NewRunEvent[]): Promise<"started" | "busy" | "ended">;
  /** Everything that the run has written so far, oldest first: its user message, then its steps. */
  journal(id: string): Promise<{ messages: Message[]; toolCalls: ToolCallState[] }>;
  /** Appends messages and events in one transaction: one finished step of the turn. */
  recordStep(id: string, step: { messages: NewMessage[]; events: NewRunEvent[] }): Promise<RunEventRecord[]>;
  /** Notes that a tool call begins; must be on disk before the tool runs. */
  beginToolCall(id: string, call: ToolCallRecord, events: NewRunEvent[]): Promise<RunEventRecord[]>;
  /** Stores the result as a tool message and closes the call. */
  endToolCall(id: string, result: NewMessage, events: NewRunEvent[]): Promise<RunEventRecord[]>;
  appendEvents(id: string, events: NewRunEvent[]): Promise<RunEventRecord[]>;
  /** Ends the run: its last messages, its outcome and its last event in one transaction. Its reply is due from then on. */
  finish(
    id: string,
    outcome: RunOutcome,
    step: { messages: NewMessage[]; events: NewRunEvent[] },
  ): Promise<RunEventRecord[]>;
  /** Events after `seq`, oldest first. */
  events(id: string, afterSeq: number, limit: number): Promise<RunEventRecord[]>;
  /**
   * Asks for a cancel of the run and of all its sub-tasks, seen by whichever processes run them. The ids of those that had not
   * ended, the run's own first.
   */
  requestCancel(id: string): Promise<string[]>;
  /** Of these runs, those whose cancel was asked for (perhaps by another process). */
  cancelRequests(ids: string[]): Promise<string[]>;
  /** The sub-tasks that the run gave itself, oldest first. */
  subTasks(id: string): Promise<Run[]>;
  /** Keeps what a call of the run asks somebody to allow, until it is settled. */
  requestApproval(id: string, approval: NewApproval, events: NewRunEvent[]): Promise<RunEventRecord[]>;
  /** Notes that the run goes on with the answer. */
  settleApproval(id: string, approvalId: string, events: NewRunEvent[]): Promise<RunEventRecord[]>;
  /** Those of a session that have not ended, oldest first. */
  openOf(sessionKey: string): Promise<Run[]>;
  /**
   * Takes the messages of queued runs of the same session that were accepted with `joinsRunning` into this running one, as
   * further user messages after its last step: those that come next in the session, up to the first one that does not join.
   * They end as completed, without an answer of their own, and so do their replies. `said` is what the model has just said: it
   * stands before them, and is kept only when there are any. `events` are kept in any case, those for no message too; it gets
   * the messages and the runs that they were of.
   */
  absorb(
    id: string,
    said: NewMessage[],
    events: (absorbed: NewMessage[], runIds: readonly string[]) => NewRunEvent[],
  ): Promise<AbsorbedRuns>;
  /**
   * Hands runs over to nobody, back to queued, whose process is gone, and lists every queued run, oldest first.
   * `instance` is the caller's own and counts as alive.
   */
  takeOver(instance: string): Promise<Run[]>;
  /** Puts the running runs of this instance, or this one of them, back to queued. */
  park(instance: string, id?: string): Promise<void>;
}

/** What a running turn has taken in. */
export interface AbsorbedRuns {
  /** The runs that have ended by it. */
  runIds: string[];
  /** What was said in them, in order. */
  messages: NewMessage[];
  events: RunEventRecord[];
}

/** The approvals of all runs; those who ask and those who decide may be in different processes. */
export interface ApprovalStore {
  /** Those of a run that has not ended which wait for a decision, oldest first. */
  open(runId: string): Promise<Approval[]>;
  /**
   * What a process that died left behind, oldest first: the approvals of a run that it has not gone on with, decided or not, and
   * those that it has (`settled`) whose calls have not begun.
   */
  left(runId: string): Promise<(Approval & { settled: boolean })[]>;
  /** Of these approvals, those that are decided. */
  decided(ids: string[]): Promise<Approval[]>;
  /**
   * Decides one, for good. Rejects with `not_found` when the run has no such approval, and with `conflict` when it is decided
   * already or its run has ended.
   */
  decide(runId: string, id: string, decision: ApprovalDecision): Promise<void>;
}

/** Memory belongs to a principal; the same key of two principals is two entries. */
export interface MemoryStore {
  get(principal: string, key: string): Promise<MemoryEntry | null>;
  set(principal: string, key: string, value: unknown, source: string): Promise<MemoryEntry>;
  delete(principal: string, key: string): Promise<boolean>;
  /** By key. */
  list(principal: string, page: PageRequest): Promise<Page<MemoryEntry>>;
  /** Best match first, over keys and the text of values. Any text is a valid query. */
  search(principal: string, query: string, limit: number): Promise<MemoryEntry[]>;
}

/** The to-do lists; each belongs to a principal. */
export interface TodoStore {
  create(principal: string, todos: { title: string; notes?: string }[]): Promise<Todo[]>;
  /** Null when there is no such todo. */
  update(
    principal: string,
    id: string,
    change: { title?: string; notes?: string; status?: TodoStatus },
  ): Promise<Todo | null>;
  list(principal: string, filter: { status?: TodoStatus; limit: number }): Promise<Todo[]>;
}

/**
 * What leaves through the platforms: kept until it is delivered or dead, and changed only until then: with `conflict` later,
 * with `not_found` for an unknown id. An answer whose run was removed has no `runId` any more.
 */
export interface DeliveryStore {
  /** Keeps a delivery that is due at once. False when its id is known already. */
  add(delivery: NewOutboundDelivery): Promise<boolean>;
  get(id: string): Promise<OutboundDelivery | null>;
  /** Those of an account that are waiting or due, oldest first, behind a position (0: all). */
  open(platform: string, account: string, afterPosition: number, limit: number): Promise<OutboundDelivery[]>;
  /** Those of a session's runs that are waiting, oldest first. */
  waitingOf(sessionKey: string): Promise<OutboundDelivery[]>;
  /** Notes what was sent so far; must be on disk before the next part is sent. */
  recordParts(id: string, parts: SentPart[]): Promise<void>;
  /** Notes a failed try and when the next one is due. */
  postpone(id: string, attempt: { attempts: number; dueAt: number; error: RunError | null }): Promise<void>;
  /** It is delivered. */
  finish(id: string, parts: SentPart[]): Promise<void>;
  /** Its last try failed and it is given up; it can be retried by hand. */
  bury(id: string, error: RunError): Promise<void>;
  /** Newest first. */
  list(page: PageRequest & { status?: DeliveryStatus; platform?: string }): Promise<Page<OutboundDelivery>>;
  /**
   * Makes a dead one due again, with what was sent of it, in a place behind all others. Rejects with `not_found`, and with
   * `conflict` for one that is not dead.
   */
  retry(id: string): Promise<OutboundDelivery>;
  /** The address of a chat changed: what is open goes to the new one. */
  moveChat(platform: string, account: string, from: string, to: string): Promise<void>;
}

/** What was delivered and asks for no run, such as a command. */
export interface InboxStore {
  /** Notes that it is being done. When that was noted before, as it was delivered before; null the first time. */
  begin(delivery: Delivery): Promise<number | null>;
  /**
   * Puts the message that it asks for into the outbox, in one transaction with itself. When it is known: the message of the
   * first one with `duplicate: true`, or null for one that is gone since. With `retriesFailed`, a dead one is made due again.
   */
  send(
    delivery: Delivery,
    message: NewOutboundDelivery,
  ): Promise<{ message: OutboundDelivery | null; duplicate: boolean }>;
}

/** Conversations in chats. The key is whatever the gateway makes of account, chat, thread and person. */
export interface ChatStore {
  get(key: string): Promise<ChatState>;
  save(key: string, state: ChatState): Promise<void>;
  /** Keys that begin with the one go on with the other. What is known under a new key already stays. */
  moveChat(fromKeyPrefix: string, toKeyPrefix: string): Promise<void>;
  /** Remembers a move. False, and nothing changes, when a former id of the chat is known already. */
  recordMove(move: ChatMove): Promise<boolean>;
  /** The ids that a chat had before its present one, the latest first; none for most. */
  formerIds(platform: string, account: string, chat: string): Promise<string[]>;
}

/** Who may write to a bot besides those in the configuration. Codes are kept as hashes. */
export interface PairingStore {
  /**
   * A code for somebody, for an hour. At most 3 are open per account, and one request per person in ten minutes. `code` makes
   * a code. What `tell` makes of it goes into the outbox with it; when that has it already, the code of then stays.
   */
  request(
    person: Pick<Pairing, "platform" | "account" | "userId" | "name" | "chat" | "extra">,
    code: () => string,
    tell?: (code: string) => NewOutboundDelivery,
  ): Promise<PairingRequest>;
  /**
   * Approves whoever has this code, and puts what `tell` makes of it into the outbox. Rejects with `not_found` for a wrong or
   * expired one; after 5 wrong ones on a platform in a row with `locked_out`, for an hour.
   */
  approve(
    platform: string,
    code: string,
    by: string,
    tell?: (pairing: Pairing) => NewOutboundDelivery,
  ): Promise<Pairing>;
  isApproved(platform: string, account: string, userId: string): Promise<boolean>;
  /** Pending ones that have not expired, and approved ones; newest first. */
  list(): Promise<Pairing[]>;
  /** False when there is none. */
  revoke(platform: string, userId: string): Promise<boolean>;
}

/** The accounts that this and other processes connect. */
export interface AccountStore {
  /**
   * Makes this process the only one that receives for a credential, until it lets go or ends. Otherwise says who holds it.
   * `credential`: a hash; `holder`: how others are told of this process.
   */
  hold(credential: string, holder: string): Promise<{ release: () => void } | { heldBy: string }>;
  get(platform: string, account: string): Promise<AccountRecord | null>;
  list(): Promise<AccountRecord[]>;
  saveHealth(platform: string, account: string, health: unknown): Promise<void>;
  /** In the same transaction as what is accepted in the same tick. */
  saveState(platform: string, account: string, state: unknown): Promise<void>;
}

/** How the store is. */
export interface StoreHealth {
  ok: boolean;
  /** Why it is not ok, fit for a user. */
  problem: string | null;
  sizeBytes: number;
  walBytes: number;
  schemaVersion: number;
}

/** The store of this process. */
export interface Store {
  readonly path: string;
  /** This process's own name among those that share the file, alive for as long as the store is open. */
  readonly instance: string;
  sessions: SessionStore;
  runs: RunStore;
  approvals: ApprovalStore;
  memory: MemoryStore;
  todos: TodoStore;
  deliveries: DeliveryStore;
  inbox: InboxStore;
  chats: ChatStore;
  pairings: PairingStore;
  accounts: AccountStore;
  webhooks: WebhookStore;
  /** Tries a write, so that it tells the truth about a full disk. */
  health(): Promise<StoreHealth>;
  counts(): Promise<{ sessions: number; messages: number; runs: Record<RunStatus, number>; memory: number }>;
  /** A consistent copy while others write. */
  backup(toPath: string): Promise<void>;
  /** Full integrity check; the problems found, none when empty. */
  check(): Promise<string[]>;
  /** Gives back the memory in which pages of the file are kept; they are read again when they are needed. */
  shrink(): Promise<void>;
  /** Drops deliveries, webhooks and run events older than their keeping time. */
  prune(keep: { deliveriesMs: number; eventsMs: number }): Promise<void>;
  close(): Promise<void>;
}
