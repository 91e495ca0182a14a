import type { Account } from "../config/accounts.ts";
import type {
  BotIdentity,
  FetchedFile,
  InboundEvent,
  InboundFile,
  Platform,
  PlatformAdapter,
  PlatformId,
  WebhookAnswer,
  WebhookRequest,
} from "../platforms/contract.ts";

/**
 * How an account is. `starting`: not connected yet. `connected`: it receives. `reconnecting`: the adapter makes its connection
 * anew. `waiting`: it failed, and is begun anew after a while. `refused`: it cannot work until somebody changes something.
 * `stopped`: it is switched off.
 */
export type AccountState = "starting" | "connected" | "reconnecting" | "waiting" | "refused" | "stopped";

/** How an account is, for `/status`, `/ready`, `hermes status` and the log. Times are milliseconds since the epoch. */
export interface AccountHealth {
  platform: PlatformId;
  /** As `accountLabel` names it. */
  account: string;
  state: AccountState;
  /** Since when it is in this state. */
  sinceMs: number;
  bot: BotIdentity | null;
  /** The last poll, pong or answer that showed that the connection lives. */
  lastSuccessMs: number | null;
  /** When somebody last wrote. */
  lastEventMs: number | null;
  /** How often the connection had to be made anew since the start. */
  reconnects: number;
  /** Why it is not connected. Fit for a user. */
  error: { message: string; hint?: string } | null;
}

/** An account that this process connects. Its adapter runs in a worker; calls to it cross over. */
export interface Connection {
  readonly account: Account;
  readonly platform: Platform;
  readonly health: AccountHealth;
  /**
   * The adapter as the main thread sees it. Calls reject with `refused` for what the adapter cannot do, and with `unavailable`
   * while there is no worker, when it ends in the middle of one, and when a call takes longer than `CALL_TIMEOUT_MS`.
   */
  readonly adapter: RemoteAdapter;
  /** Whether the adapter can do this. False until the worker has told. */
  can(ability: Ability): boolean;
}

/** The calls that cross over to the worker. */
export type RemoteAdapter = Required<
  Pick<
    PlatformAdapter,
    "send" | "edit" | "draft" | "remove" | "typing" | "react" | "fetchFile" | "registerCommands"
  >
> & {
  webhook(request: WebhookRequest): Promise<WebhookAnswer>;
};

/** What an adapter may be able to do. */
export type Ability = Exclude<keyof PlatformAdapter, "send" | "listen" | "close">;

/** What the supervisor tells the gateway. */
export interface ConnectionListener {
  /** Resolves once the event is on disk or refused for good. A rejection makes the platform deliver it again. */
  received(connection: Connection, event: InboundEvent): Promise<void>;
  /** The account can send: at the start, and after every time that it could not. */
  ready(connection: Connection): void;
}

/** Keeps the workers of all accounts alive. */
export interface Supervisor {
  /**
   * Begins with every account. Rejects with `conflict` when too few of those that were asked for are free, and with
   * `config_invalid` when too few of them can be connected at all. An account that another process holds is otherwise skipped
   * with a warning, and taken over as soon as it is free.
   */
  start(): Promise<void>;
  connections(): readonly Connection[];
  /** The connection of an account by its platform and name. */
  find(platform: string, name: string): Connection | null;
  /** Every account, those that are refused or held elsewhere included. */
  health(): readonly AccountHealth[];
  /** Receives nothing more; what is being sent may end. */
  stopReceiving(): Promise<void>;
  /** Nothing is going on: the workers give back the memory that they do not need. */
  shrink(): void;
  stop(): Promise<void>;
}

/** A file that came with a message, and where its bytes are. */
export interface FileSource {
  platform: string;
  account: string;
}

/** The gateway as the other rooms see it. */
export interface Gateway {
  /** Connects every account. Raises what `Supervisor.start` raises. */
  start(): Promise<void>;
  /**
   * Receives nothing more at once. Once `turnsEnded` resolves, sends what is due for some seconds and lets go of the accounts;
   * what is not sent by then leaves with the next start.
   */
  stop(turnsEnded: Promise<unknown>): Promise<void>;
  health(): readonly AccountHealth[];
  /** Nothing is going on: the threads of the accounts give back the memory that they do not need. */
  shrink(): void;
  /** The account that answers at a webhook, or null. */
  webhook(platform: string, account: string): GatewayWebhook | null;
  /** The bytes of a file that came with a message. Rejects with `attachment_refused`. */
  fetchFile(file: FileSource & InboundFile, signal: AbortSignal): Promise<FetchedFile>;
}

/** The webhook of one account. */
export interface GatewayWebhook {
  /** As `PlatformLimits.webhooksInFlight`. */
  readonly maxInFlight?: number;
  /** Whether a request may go on, before its body is read. */
  admits(headers: Readonly<Record<string, string>>): boolean;
  /** Verifies, stores and answers; while the account starts, a call waits a little. Rejects with `not_ready` where it has no worker. */
  answer(request: WebhookRequest): Promise<WebhookAnswer>;
}
