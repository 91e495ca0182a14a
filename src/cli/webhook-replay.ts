import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import { type CommonOptions, withConfigOption } from "./options.ts";
import { print } from "./output.ts";
import { withStore } from "./store.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./webhook-filter.ts";
import { sayWhoSends } from "./webhook-sender.ts";

/** `hermes webhook replay`: sends one event again, or all of a time, under the ids that they had. */
export function webhookReplayCommand(): Command {
  return withFilterOptions(withConfigOption(new Command("replay")))
    .description("send an event again, or all of a time that were sent or given up")
    .argument("[id]", "id of a delivery, or of an event for all its endpoints")
    .action((id: string | undefined, options: CommonOptions & FilterOptions) => {
      const isFiltered = Object.keys(filterOf(options)).length > 0;
      if (id !== undefined && isFiltered)
        throw new AppError("usage", "Give an id, or say which ones with --since and the like, not both.");
      if (id === undefined && options.since === undefined)
        throw new AppError("usage", "Give an id, or --since for all from that time on.");
      return withStore(options, "changing the deliveries", (store) =>
        id === undefined ? replayAll(store, options) : replayOne(store, id, options),
      );
    });
}

async function replayOne(store: Store, id: string, options: CommonOptions): Promise<void> {
  const count = await store.webhooks.replay(id);
  print(count === 1 ? `${id} is sent again.` : `${id} is sent again to ${count} endpoints.`);
  await sayDue(store, options);
}

async function replayAll(store: Store, options: CommonOptions & FilterOptions): Promise<void> {
  const count = await store.webhooks.replay(filterOf(options));
  print(count === 1 ? "1 delivery is sent again." : `${count} deliveries are sent again.`);
  if (count > 0) await sayDue(store, options);
}

async function sayDue(store: Store, options: CommonOptions): Promise<void> {
  const { items } = await store.webhooks.list({ limit: 200, status: "due" });
  await sayWhoSends(
    store,
    items.map(({ endpoint }) => endpoint),
    options,
  );
}
