import type { PlatformId } from "../../src/platforms/contract.ts";
import type { Fate } from "../fakes/fates.ts";

/** Something that a person wrote to the bot. */
export interface Written {
  /** Delivers it once more, as the platform does when it is not sure that it arrived. */
  redeliver(): void;
  /** What became of it. Where nothing is acknowledged, it stays open. */
  fate(): Fate;
}

/** How a server is started. */
export interface ServerOptions {
  /** The bot receives by its webhook, at the address that `sendTo` names, on platforms that know both ways. */
  calls?: boolean;
  /** What is not acknowledged comes again so late that a bot may be away for some seconds. Default: soon. */
  isPatient?: boolean;
}

/** How the next messages that the bot sends fare. */
export type SendFailure =
  /** Too fast: again after this time. */
  | { kind: "rate_limited"; retryAfterMs: number }
  /** An error of the platform's own. */
  | { kind: "unavailable" }
  /** This message never. */
  | { kind: "refused" };

/**
 * A platform's server, as every platform's fake offers it to the contract suite, the end-to-end tests and the proof of the
 * gateway: real protocol on loopback, with people who write in direct chats and in one group.
 */
export interface ChatServer extends AsyncDisposable {
  readonly platform: PlatformId;
  /** The section of the configuration that leads here, without allow-lists. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The id of person number n, as allow-lists have it. */
  personId(person: number): string | number;
  /** The id of the group, as `allowed_groups` has it. */
  readonly groupId: string;
  /** Person n writes to the bot in their direct chat, or in the group; there with a mention unless said otherwise. */
  write(person: number, text: string, where?: { group?: boolean; mention?: boolean }): Written;
  /** Person n asks for what the bot could not send them yet, where there is such a thing. */
  askForMore?(person: number): void;
  /** What the bot's messages in the direct chat of a person, or in the group, show now, the oldest first. */
  shown(where: number | "group"): string[];
  /** What people see as one visible message each was edited this often. */
  readonly edits: number;
  /** How often the bot was seen to type. */
  readonly typings: number;
  failSends(failure: SendFailure, times?: number): void;
  failEdits(failure: SendFailure, times?: number): void;
  /** Typing, reactions and the menu of commands fail from now on. */
  failOptionalCalls(): void;
  /** Events go to this address from now on, for platforms that can call one. */
  sendTo?(url: string): void;
  /** Cuts the connection without a word. */
  drop(): void;
  /** For so long, nobody can connect. */
  refuseConnections(ms: number): void;
  /** Connections over which the bot receives now. */
  readonly connections: number;
  /** From now on the bot's credentials are worth nothing; connections are cut. */
  revoke(): void;
  /** How often messages got to people in which way, where there are several. */
  readonly ways?: Readonly<Record<string, number>>;
  /** The server shows a message that is sent twice with one id once. */
  readonly isIdempotent: boolean;
  /** The longest text that one message may show, in the platform's unit. */
  length(text: string): number;
  readonly maxLength: number;
}
