import { sleep } from "../../lib/waiting.ts";
import type { BotIdentity, ConnectionHooks } from "../contract.ts";
import type { TelegramClient } from "./client.ts";
import { isWebhookConflict } from "./errors.ts";
import { createIntake, type Intake } from "./intake.ts";
import { createOutage, type Outage } from "./outage.ts";
import { ALLOWED_UPDATES } from "./parse.ts";
import type { Timing } from "./timing.ts";

/** As many updates as one poll may bring. */
const POLL_LIMIT = 100;

export interface ListenOptions {
  client: TelegramClient;
  hooks: ConnectionHooks;
  timing: Timing;
  /** Seconds that a poll waits at Telegram for the next update. */
  pollingTimeout: number;
  signal: AbortSignal;
}

/**
 * Fetches updates by long polling until the signal aborts (https://core.telegram.org/bots/api#getupdates). Rejects with
 * `unauthorized` for a token that Telegram does not know, and with `conflict` when another program keeps fetching.
 */
export async function listen(options: ListenOptions): Promise<void> {
  const { client, hooks, timing, signal } = options;
  const outage = createOutage({
    hooks,
    timing,
    signal,
    onFailure: async (error) => {
      if (isWebhookConflict(error)) await removeWebhook(options);
    },
  });
  try {
    const bot = await outage.untilAnswered(() => client.call((api, ended) => api.getMe(ended), { signal }));
    await outage.untilAnswered(() =>
      client.call((api, ended) => api.deleteWebhook({ drop_pending_updates: false }, ended), { signal }),
    );
    const intake = createIntake({
      client,
      hooks,
      timing,
      signal,
      me: { id: bot.id, username: bot.username },
    });
    const identity = { id: String(bot.id), name: bot.username };
    for (;;) await outage.untilAnswered(() => poll(options, { intake, outage, identity }));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function poll(
  { client, hooks, timing, pollingTimeout, signal }: ListenOptions,
  { intake, outage, identity }: { intake: Intake; outage: Outage; identity: BotIdentity },
): Promise<void> {
  // The first poll, and one after an outage, does not wait, so that it shows at once that polling works.
  const timeout = outage.lasts ? 0 : pollingTimeout;
  const offset = intake.offset();
  const place = offset === undefined ? {} : { offset };
  const startedMs = performance.now();
  const updates = await client.call(
    (api, ended) =>
      api.getUpdates({ ...place, limit: POLL_LIMIT, timeout, allowed_updates: ALLOWED_UPDATES }, ended),
    { signal, timeoutMs: timeout * 1000 + timing.pollGraceMs },
  );
  hooks.alive();
  if (outage.lasts) hooks.connected(identity);
  outage.over();
  const fresh = intake.take(updates);
  await intake.settled(timing.slowEmitMs);
  const restMs = timing.emptyPollMs - (performance.now() - startedMs);
  if (fresh === 0 && timeout > 0 && restMs > 0) await sleep(restMs, signal);
}

async function removeWebhook({ client, hooks, signal }: ListenOptions): Promise<void> {
  try {
    await client.call((api, ended) => api.deleteWebhook({ drop_pending_updates: false }, ended), { signal });
    hooks.log("warn", "somebody had set a webhook for this bot; it was removed");
  } catch (error) {
    hooks.log("debug", "the webhook could not be removed", { error });
  }
}
