import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { type AccountSettings, type ConnectionHooks, PlatformError } from "../contract.ts";
import { lacks } from "./errors.ts";
import type { Identify } from "./identity.ts";
import { usesSocketMode } from "./mode.ts";
import { type EnvelopeTaker, receiveBySocket, type SocketTimings } from "./socket.ts";

/** How long the parts of a connection may take. */
export interface ListenTimings extends SocketTimings {
  /** The longest wait before the first retry; it doubles with every further one. */
  firstRetryMs: number;
  maxRetryMs: number;
  /** A connection that held for so long was a good one: the next retry is a first one again. */
  stableMs: number;
  /** With webhooks: how often the token is tried. */
  checkEveryMs: number;
}

/** What listening works with. */
export interface ListenParts {
  account: AccountSettings<"slack">;
  identify: Identify;
  take: EnvelopeTaker;
  timings: ListenTimings;
}

/** Receives over Socket Mode; with webhooks, watches that the token is accepted. Rejects when no retry can help. */
export async function listen(parts: ListenParts, hooks: ConnectionHooks, signal: AbortSignal): Promise<void> {
  const byConnection = usesSocketMode(parts.account);
  if (byConnection && !parts.account.app_token)
    throw lacks("app_token", "Socket Mode needs an app-level token.");
  if (!byConnection && !parts.account.signing_secret)
    throw lacks(
      "signing_secret",
      "Nothing can be received: there is no app-level token and no signing secret.",
    );
  for (let failures = 0; !signal.aborted; failures += 1) {
    let connectedAtMs = Number.POSITIVE_INFINITY;
    try {
      const identity = await parts.identify(signal, { fresh: !byConnection });
      const connected = () => {
        connectedAtMs = Date.now();
        hooks.connected({ id: identity.userId, name: identity.name });
      };
      if (byConnection) await receiveBySocket(parts, { ...hooks, connected }, signal);
      else await stayReachable(parts, { ...hooks, connected }, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (Date.now() - connectedAtMs >= parts.timings.stableMs) failures = 0;
      await waitAfter(error, failures, parts.timings, hooks, signal);
    }
  }
}

async function waitAfter(
  error: unknown,
  failures: number,
  { firstRetryMs, maxRetryMs }: ListenTimings,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  if (!(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
  hooks.reconnecting(error.message);
  const waitMs = error.retryAfterMs ?? backoffMs(failures, { baseMs: firstRetryMs, maxMs: maxRetryMs });
  await sleep(waitMs, signal);
}

/** Ends only by the signal or by a failed try of the token. */
async function stayReachable(
  { identify, timings }: ListenParts,
  hooks: Omit<ConnectionHooks, "connected"> & { connected(): void },
  signal: AbortSignal,
): Promise<void> {
  hooks.connected();
  for (;;) {
    await sleep(timings.checkEveryMs, signal);
    if (signal.aborted) return;
    await identify(signal, { fresh: true });
    hooks.alive();
  }
}
