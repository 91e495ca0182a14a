import { accountLabel } from "../config/accounts.ts";
import type { LiveConfig } from "../config/live.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { orAborted, sleep } from "../lib/waiting.ts";
import type { Store } from "../store/contract.ts";
import type { AccountHealth, Supervisor } from "./contract.ts";
import { createDeliverer } from "./deliver/deliver.ts";
import type { KeptFiles } from "./deliver/kept-files.ts";
import { createSupervisor } from "./supervisor.ts";

/** What sending without a gateway works with. */
export interface SendNowParts {
  config: LiveConfig;
  store: Store;
  log: Log;
  holder: string;
  /** Files that go with the message. */
  kept: KeptFiles;
}

const LOOK_EVERY_MS = 50;

/**
 * Connects the account of one delivery, without receiving, and sends what is open for it until the delivery is sent or dead: then
 * null, or until the account is refused: then why. Raises what `Supervisor.start` raises, `not_found`, and the reason of the signal.
 */
export async function sendNow(
  parts: SendNowParts,
  deliveryId: string,
  signal: AbortSignal,
): Promise<AccountHealth["error"]> {
  const { store, log } = parts;
  const delivery = await store.deliveries.get(deliveryId);
  if (delivery === null) throw new AppError("not_found", `There is no delivery ${deliveryId}.`);
  const { platform, account } = delivery.target;
  const taken = Promise.withResolvers<void>();
  const deliverer = createDeliverer({
    ...parts,
    agent: { events: nothing, waits: () => false, onMove: () => () => undefined }, // no run is waited for here
    openFile: () => Promise.reject(new AppError("forbidden", "files cannot be read here.")),
    find: (...wanted) => supervisor.find(...wanted),
  });
  const supervisor = createSupervisor({
    ...parts,
    only: [accountLabel({ platform, name: account })],
    receives: false,
    listener: {
      received: () => Promise.reject(new Error("nothing is received here")),
      ready() {
        deliverer.deliver(delivery);
        taken.resolve();
      },
    },
  });
  const over = new AbortController();
  try {
    await supervisor.start();
    log.debug("connected for one message", { delivery: deliveryId });
    const sent = taken.promise.then(() => deliverer.settled(deliveryId)).then(() => null);
    return await orAborted(Promise.race([sent, refusalOf(supervisor, over.signal)]), signal);
  } finally {
    over.abort();
    await deliverer.stop(Promise.resolve());
    await supervisor.stop();
  }
}

/** Resolves with why an account cannot work until somebody changes something; null once the signal aborts. */
async function refusalOf({ health }: Supervisor, signal: AbortSignal): Promise<AccountHealth["error"]> {
  while (!signal.aborted) {
    const refused = health().find(({ state }) => state === "refused");
    if (refused) return refused.error;
    await sleep(LOOK_EVERY_MS, signal);
  }
  return null;
}

async function* nothing(): AsyncGenerator<never> {}
