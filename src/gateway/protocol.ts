import type { AccountSettings, BotIdentity, InboundEvent, PlatformId } from "../platforms/contract.ts";
import { PlatformError, type PlatformErrorKind } from "../platforms/contract.ts";
import type { Ability, RemoteAdapter } from "./contract.ts";

/** A call of the adapter. */
export type RemoteMethod = keyof RemoteAdapter;

/** Whose home a worker is. */
export interface Connect {
  platform: PlatformId;
  settings: AccountSettings;
  /** What the adapter saved last. */
  state: unknown;
  /** Where its webhook answers. */
  webhookPath: string;
  /** Whether the log keeps lines of `debug`. */
  wantsDebug: boolean;
}

/** What the main thread says to the worker of an account. `connect` comes first, and `listen` after `ready`. */
export type ToWorker =
  | ({ type: "connect" } & Connect)
  | { type: "listen" }
  | { type: "stopListening" }
  | { type: "call"; id: number; method: RemoteMethod; args: readonly unknown[] }
  | { type: "abort"; id: number }
  /** What became of an item of `emitted`; null: it is on disk or refused for good. */
  | { type: "settled"; id: number; problem: string | null }
  | ({ type: "ping" } & Pick<Connect, "wantsDebug">)
  /** Nothing is going on: gives back the memory that it does not need. */
  | { type: "shrink" }
  /** Stops receiving, lets calls end, and answers with `ended`. */
  | { type: "end" };

/** What the worker of an account says to the main thread. */
export type FromWorker =
  | { type: "ready"; abilities: readonly Ability[]; listens: boolean }
  /** `connect` failed. */
  | { type: "unready"; failure: PlatformFailure }
  | { type: "answer"; id: number; value: unknown }
  | { type: "failure"; id: number; failure: PlatformFailure }
  | { type: "emitted"; items: readonly EmittedItem[] }
  | { type: "status"; status: ConnectionStatus }
  /** `listen` has settled, and with a failure unless that was asked for. */
  | { type: "listened"; failure: PlatformFailure | null }
  | {
      type: "log";
      level: "debug" | "info" | "warn";
      message: string;
      fields: Readonly<Record<string, unknown>>;
    }
  | { type: "pong" }
  /** Something was thrown that nobody caught; the worker is of no use any more. */
  | { type: "crashed"; thrown: string }
  | { type: "ended" };

/** An event, or the state that belongs to all events before it. Ids are the worker's own. */
export type EmittedItem = { id: number; event: InboundEvent } | { id: number; state: unknown };

/** How a connection is, as its adapter told it. */
export interface ConnectionStatus {
  state: "starting" | "connected" | "reconnecting";
  bot: BotIdentity | null;
  /** Why it is reconnecting, and what could be done about it. */
  reason: string | null;
  hint: string | null;
  /** How often the adapter had to make its connection anew. */
  reconnects: number;
  /** The last sign of life, in milliseconds since the epoch. */
  aliveAtMs: number | null;
}

/** The fields of a `PlatformError`: errors lose their type on the way between threads. */
export interface PlatformFailure {
  kind: PlatformErrorKind;
  message: string;
  hint?: string;
  retryAfterMs?: number;
  movedTo?: string;
}

/** The error as it crosses over. */
export function toFailure({ kind, message, hint, retryAfterMs, movedTo }: PlatformError): PlatformFailure {
  return {
    kind,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(movedTo === undefined ? {} : { movedTo }),
  };
}

/** The error as it was before it crossed over. */
export function fromFailure({ kind, message, ...options }: PlatformFailure): PlatformError {
  return new PlatformError(kind, message, options);
}

/**
 * The memory of bytes that the sender has no more use for, to be handed over instead of copied. What is a part of a larger
 * piece of memory is not among it: its neighbours would go, too.
 */
export function handedOver(bytes: unknown): ArrayBuffer[] {
  if (!(bytes instanceof Uint8Array) || !(bytes.buffer instanceof ArrayBuffer)) return [];
  return bytes.byteLength === bytes.buffer.byteLength && bytes.byteLength > 0 ? [bytes.buffer] : [];
}
