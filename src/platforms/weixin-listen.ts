import { type BackoffOptions, backoffMs } from "../lib/backoff.ts";
import { sleep } from "../lib/waiting.ts";
import { type BotIdentity, type ConnectionHooks, PlatformError } from "./contract.ts";
import type { WeixinApi } from "./weixin-api.ts";

/** What watching works with. */
export interface WatchParts {
  api: WeixinApi;
  /** Who the account is; asked once. */
  identify(signal: AbortSignal): Promise<BotIdentity>;
  timing: {
    /** Between two looks. */
    checkMs: number;
    /** Between tries while nobody can be reached. */
    retry: BackoffOptions;
  };
}

/**
 * For accounts that are called: watches that their credentials are taken, and says so; at once when a call makes that doubtful.
 * Rejects with `unauthorized` when they are not.
 */
export async function watchCredentials(
  { api, identify, timing }: WatchParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  let identity: BotIdentity | null = null;
  let isConnected = false;
  for (let failures = 0; !signal.aborted; )
    try {
      await api.checkCredentials(signal);
      identity ??= await identify(signal);
      if (isConnected) hooks.alive();
      else hooks.connected(identity);
      isConnected = true;
      failures = 0;
      await Promise.race([sleep(timing.checkMs, signal), api.doubted()]);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
      isConnected = false;
      hooks.reconnecting(error.message, error.hint);
      await sleep(error.retryAfterMs ?? backoffMs(failures, timing.retry), signal);
      failures += 1;
    }
}
