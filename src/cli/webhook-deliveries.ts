import { Argument, Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import type { WebhookAttempt, WebhookDelivery, WebhookDeliveryDetails } from "../store/webhook-records.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { formatTime, print, printable, printJson, printTable, say } from "./output.ts";
import { type ListOptions, paged, pageOf, sayMore } from "./paging.ts";
import { withStore } from "./store.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./webhook-filter.ts";
import { sayWhoSends } from "./webhook-sender.ts";

/** `hermes webhook deliveries list | show | retry`: the events that Hermes sends, straight from the database. */
export function webhookDeliveriesCommand(): Command {
  const list = withFilterOptions(paged(new Command("list"), 20))
    .description("list the events that Hermes sends, newest first")
    .action((options: ListOptions & FilterOptions) =>
      withStore(options, "reading the deliveries", (store) => listDeliveries(store, options)),
    );
  const show = withJsonOption(withConfigOption(new Command("show")))
    .description("show one delivery: what is sent, and what came back at each try")
    .argument("<id>", "as `hermes webhook deliveries list` prints it")
    .action((id: string, options: CommonOptions & { json?: true }) =>
      withStore(options, "reading the delivery", async (store) => {
        const details = await detailsOf(store, id);
        if (options.json) printJson((await publicForm()).publicDeliveryDetails(details));
        else print(printable(pageAbout(details)));
      }),
    );
  const retry = withConfigOption(new Command("retry"))
    .description("try again what was given up")
    .addArgument(new Argument("[id]", "as `hermes webhook deliveries list --status dead` prints it"))
    .option("--all-dead", "everything that was given up")
    .option("--endpoint <name>", "with --all-dead: only what is for this endpoint")
    .action((id: string | undefined, options: RetryOptions) => {
      if ((id === undefined) === (options.allDead === undefined))
        throw new AppError("usage", "Give the id of a delivery, or --all-dead.");
      return withStore(options, "changing the deliveries", (store) =>
        id === undefined ? retryAll(store, options) : retryOne(store, id, options),
      );
    });
  return new Command("deliveries")
    .description("look at the events that Hermes sends, and retry what failed")
    .addCommand(list)
    .addCommand(show)
    .addCommand(retry);
}

/** As the REST API shows deliveries. */
const publicForm = () => import("../webhooks/outbound/public.ts");

interface RetryOptions extends CommonOptions {
  allDead?: true;
  endpoint?: string;
}

async function listDeliveries(store: Store, options: ListOptions & FilterOptions): Promise<void> {
  const page = await store.webhooks.list({ ...pageOf(options), ...filterOf(options) });
  if (options.json) {
    const { publicDelivery } = await publicForm();
    return printJson({ deliveries: page.items.map(publicDelivery), next_cursor: page.nextCursor });
  }
  if (page.items.length === 0) return say("There are no such deliveries.");
  printTable(
    ["DELIVERY", "EVENT", "TO", "STATUS", "TRIES", "CREATED", "NEXT TRY", "WHY"],
    page.items.map((delivery) => [
      delivery.id,
      delivery.type,
      delivery.endpoint,
      delivery.status,
      String(delivery.attempts),
      formatTime(delivery.createdAt),
      delivery.status === "due" ? formatTime(delivery.dueAt) : "",
      (delivery.error?.message ?? "").slice(0, 60),
    ]),
  );
  sayMore(page.nextCursor);
}

async function detailsOf(store: Store, id: string): Promise<WebhookDeliveryDetails> {
  const details = await store.webhooks.get(id);
  if (details !== null) return details;
  throw new AppError("not_found", `There is no delivery ${JSON.stringify(id)}.`, {
    hint: "`hermes webhook deliveries list` prints the ids.",
  });
}

function pageAbout(details: WebhookDeliveryDetails): string {
  return [...factsOf(details), "", "payload:", details.body, ...details.tries.flatMap(linesOf)].join("\n");
}

function factsOf(delivery: WebhookDelivery): string[] {
  const { id, eventId, type, endpoint, status, attempts, dueAt, error, createdAt, finishedAt } = delivery;
  const facts = {
    id,
    event: eventId,
    type,
    to: endpoint,
    status,
    tries: String(attempts),
    created: formatTime(createdAt),
    next_try: status === "due" ? formatTime(dueAt) : undefined,
    finished: finishedAt === null ? undefined : formatTime(finishedAt),
    error: error?.message,
    hint: error?.hint,
  };
  return Object.entries(facts).flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
}

/** One try, as it would be read on the wire. */
function linesOf({ startedAt, durationMs, request, response, error }: WebhookAttempt, i: number): string[] {
  const headers = (of: Readonly<Record<string, string>>) =>
    Object.entries(of).map(([name, value]) => `  ${name}: ${value}`);
  const answer =
    response === null
      ? [`  ${error?.message ?? "no answer"}`]
      : [
          `  HTTP ${response.status}`,
          ...headers(response.headers),
          ...(response.body ? ["", response.body] : []),
        ];
  return [
    "",
    `try ${i + 1}: ${new Date(startedAt).toISOString()}, ${durationMs} ms`,
    `  POST ${request.url}`,
    ...headers(request.headers),
    "",
    ...answer,
  ];
}

async function retryOne(store: Store, id: string, options: CommonOptions): Promise<void> {
  const { status, endpoint } = await detailsOf(store, id);
  if (status !== "dead")
    throw new AppError("conflict", `The delivery is ${status}, not dead.`, {
      hint: "`hermes webhook replay` sends one again that was delivered.",
    });
  await store.webhooks.replay(id);
  print(`${id} is tried again.`);
  await sayWhoSends(store, [endpoint], options);
}

async function retryAll(store: Store, options: RetryOptions): Promise<void> {
  const filter = {
    status: "dead",
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
  } as const;
  const { items } = await store.webhooks.list({ limit: 200, ...filter });
  const count = await store.webhooks.replay(filter);
  print(count === 1 ? "1 delivery is tried again." : `${count} deliveries are tried again.`);
  await sayWhoSends(
    store,
    items.map(({ endpoint }) => endpoint),
    options,
  );
}
