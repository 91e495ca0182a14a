import type { Run } from "../../store/records.ts";
import type { SignedHeaders } from "../../webhooks/contract.ts";

/** What takes events of others in. */
export interface Hooks {
  /** The route of this name, or the endpoint itself for null; null where no events are taken. */
  find(name: string | null): Hook | null;
}

/** One address that takes events. */
export interface Hook {
  /** Whether a request may go on, before its body is read: false without any signature, or with a wrong secret in a header. */
  admits(headers: SignedHeaders): boolean;
  /** What a request gets that does not prove where it comes from: how to sign one, and nothing about itself. */
  refusal(): Error;
  /**
   * Verifies an event and takes it on; resolves once it is on disk. Rejects with `unauthorized` for one that proves nothing,
   * with `malformed_json` and `invalid_request` for a body that cannot be read or used, and with `overloaded`,
   * `shutting_down`, `store_unavailable` and `not_ready` for one that shall come again. `patience` is asked only by a route that
   * answers with what the agent says: once it aborts, that waits no longer.
   */
  take(call: HookCall, patience: () => AbortSignal): Promise<HookAnswer | Challenge>;
}

/** A request as it came. */
export interface HookCall {
  headers: SignedHeaders;
  body: Uint8Array;
  /** With its question mark; empty for none. */
  query: string;
}

/** How an event stands. `ignored`: the filter of the route leaves it out, and nothing was stored. */
export type EventState = "received" | "running" | "done" | "failed" | "ignored";

/** What the sender wants to read before it sends events to an address. */
export interface Challenge {
  challenge: string;
}

/** What became of an event. */
export interface HookAnswer {
  /** The same however often it comes. */
  eventId: string;
  state: EventState;
  /** The run that it asked for; null for an event that asked for none, or whose run was removed. */
  runId: string | null;
  /** The message that a route without a model sends. */
  deliveryId?: string;
  /** It came before: this is what became of the first one. */
  duplicate: boolean;
  /** How the run ended, on a route that waits for it. */
  ended?: Run;
}
