import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { print, printJson, printTable, say } from "./output.ts";
import { withStore } from "./store.ts";
import { configuredEndpoints } from "./webhook-sender.ts";

/** `hermes webhook endpoints list | enable`: where events are sent to. */
export function webhookEndpointsCommand(): Command {
  const list = withJsonOption(withConfigOption(new Command("list")))
    .description("list where events are sent to, and how it goes")
    .action((options: CommonOptions & { json?: true }) =>
      withStore(options, "reading the endpoints", (store) => listEndpoints(store, options)),
    );
  const enable = withConfigOption(new Command("enable"))
    .description("send to an endpoint again that was disabled")
    .argument("<name>", "as `hermes webhook endpoints list` prints it")
    .action((name: string, options: CommonOptions) =>
      withStore(options, "changing the endpoint", (store) => enableEndpoint(store, name)),
    );
  return new Command("endpoints")
    .description("look at where events are sent to, and enable what was disabled")
    .addCommand(list)
    .addCommand(enable);
}

async function listEndpoints(store: Store, options: CommonOptions & { json?: true }): Promise<void> {
  const endpoints = await configuredEndpoints(store, options);
  if (options.json) return printJson({ endpoints });
  if (endpoints.length === 0)
    return say("No event is sent anywhere: gateway.webhook.outbound.enabled is false.");
  printTable(
    ["ENDPOINT", "STATE", "DUE", "DEAD", "LAST SUCCESS", "FAILING SINCE"],
    endpoints.map((one) => [
      one.endpoint,
      one.state,
      String(one.due),
      String(one.dead),
      one.last_success_at ?? "never",
      one.failing_since ?? "",
    ]),
  );
  for (const { endpoint, notice } of endpoints)
    if (notice) say(`${endpoint}: ${notice.message}\nhint: ${notice.hint}`);
}

async function enableEndpoint(store: Store, name: string): Promise<void> {
  if (!(await store.webhooks.enable(name)))
    throw new AppError("conflict", `${name} is not disabled.`, {
      hint: "`hermes webhook endpoints list` tells how the endpoints are.",
    });
  print(`Events are sent to ${name} again.`);
  const { dead } = await store.webhooks.backlog(name);
  if (dead > 0)
    say(
      `${dead} were given up: \`hermes webhook deliveries retry --all-dead --endpoint ${name}\` sends them.`,
    );
}
