import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/waiting.ts";
import { type ConnectionHooks, PlatformError } from "../contract.ts";
import { receiveByStream, type StreamHooks, type StreamParts } from "./stream.ts";

/** What listening works with. */
export interface ListenParts extends StreamParts {
  /** Over a connection, rather than by calls to the webhook. */
  isByConnection: boolean;
}

/**
 * Receives in Stream mode; with calls to the webhook, watches that DingTalk takes the app. Rejects with `unauthorized` when it
 * does not; sits out everything else.
 */
export async function listen(parts: ListenParts, hooks: ConnectionHooks, signal: AbortSignal): Promise<void> {
  const { api, timing, isByConnection } = parts;
  for (let failures = 0; !signal.aborted; failures += 1) {
    let connectedAtMs = Number.POSITIVE_INFINITY;
    const connected = () => {
      connectedAtMs = performance.now();
      // DingTalk tells a robot nothing of itself: its code is all that it is known by.
      hooks.connected({ id: api.robotCode, name: api.robotCode });
    };
    let reason = "DingTalk asked for a new connection.";
    let waitMs: number | undefined = 0;
    let hint: string | undefined;
    try {
      if (isByConnection) await receiveByStream(parts, { ...hooks, connected }, signal);
      else await stayAccepted(parts, { ...hooks, connected }, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
      ({ message: reason, hint, retryAfterMs: waitMs } = error);
    }
    if (signal.aborted) return;
    const wasStable = performance.now() - connectedAtMs >= timing.stableMs;
    if (wasStable) failures = 0;
    // Whoever is sent away at once is not to come back at once.
    if (waitMs === undefined || (waitMs === 0 && !wasStable)) waitMs = backoffMs(failures, timing.reconnect);
    hooks.reconnecting(reason, hint);
    await sleep(waitMs, signal);
  }
}

/** Ends only by the signal or by refused credentials. */
async function stayAccepted(
  { api, timing }: ListenParts,
  hooks: StreamHooks,
  signal: AbortSignal,
): Promise<void> {
  await api.tryCredentials(signal);
  hooks.connected();
  hooks.alive();
  for (;;) {
    await sleep(timing.checkEveryMs, signal);
    if (signal.aborted) return;
    await api.tryCredentials(signal);
    hooks.alive();
  }
}
