import { backoffMs } from "../../../lib/backoff.ts";
import { sleep } from "../../../lib/waiting.ts";
import {
  type AccountSettings,
  type BotIdentity,
  type ConnectionHooks,
  PlatformError,
} from "../../contract.ts";
import { textOf } from "../../fields.ts";
import type { WeixinApi } from "../../weixin-api.ts";
import type { Timing } from "../timing.ts";

/** What listening works with. */
export interface AppListenParts {
  account: AccountSettings<"wecom">;
  api: WeixinApi;
  timing: Timing;
}

/**
 * Messages come by calls to the webhook: this only watches that the credentials are taken, and says so. Rejects with
 * `unauthorized` when they are not.
 */
export async function watchCredentials(
  parts: AppListenParts,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<void> {
  const { api, timing } = parts;
  let identity: BotIdentity | null = null;
  let isConnected = false;
  for (let failures = 0; !signal.aborted; )
    try {
      await api.checkCredentials(signal);
      identity ??= await identify(parts, signal);
      if (isConnected) hooks.alive();
      else hooks.connected(identity);
      isConnected = true;
      failures = 0;
      await sleep(timing.checkMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PlatformError) || error.kind === "unauthorized") throw error;
      isConnected = false;
      hooks.reconnecting(error.message);
      await sleep(error.retryAfterMs ?? backoffMs(failures, timing.retry), signal);
      failures += 1;
    }
}

/** The application as people see it (https://developer.work.weixin.qq.com/document/path/90227). */
async function identify({ account, api }: AppListenParts, signal: AbortSignal): Promise<BotIdentity> {
  const { agent_id: id = "" } = account;
  const answer = await api.call({ method: "GET", path: "agent/get", query: { agentid: id } }, signal);
  return { id, name: textOf(answer["name"]) || id };
}
