import { Argument, Command, Option } from "commander";
import { AppError } from "../lib/errors.ts";
import type { PlatformId } from "../platforms/contract.ts";
import type { Store } from "../store/contract.ts";
import type { DeliveryStatus, OutboundDelivery } from "../store/records.ts";
import { deliveryJson, filesOf, targetOf } from "./delivery-json.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { formatTime, print, printable, printJson, printTable, say } from "./output.ts";
import { type ListOptions, paged, pageOf, sayMore } from "./paging.ts";
import { parsePlatform } from "./platform-names.ts";
import { withStore } from "./store.ts";

const STATUSES: readonly DeliveryStatus[] = ["waiting", "due", "sent", "dead"];
const ALL_AT_ONCE = 200;

interface DeliveryListOptions extends ListOptions {
  status?: DeliveryStatus;
  platform?: PlatformId;
}

/** `hermes deliveries list | show | retry`: the outbox, straight from the database, whether Hermes runs or not. */
export function deliveriesCommand(): Command {
  const list = paged(new Command("list"), 20)
    .description("list what leaves through the platforms, newest first")
    .addOption(new Option("--status <status>", "only these").choices(STATUSES))
    .option("--platform <name>", "only those of this platform", parsePlatform)
    .action((options: DeliveryListOptions) =>
      withStore(options, "reading the deliveries", (store) => listDeliveries(store, options)),
    );
  const show = withJsonOption(withConfigOption(new Command("show")))
    .description("show one delivery with its text and what became of it")
    .argument("<id>", "as `hermes deliveries list` prints it")
    .action((id: string, options: CommonOptions & { json?: true }) =>
      withStore(options, "reading the delivery", (store) => showDelivery(store, id, options)),
    );
  const retry = withConfigOption(new Command("retry"))
    .description("try again what was given up")
    .addArgument(new Argument("[id]", "as `hermes deliveries list --status dead` prints it"))
    .option("--all-dead", "everything that was given up")
    .action((id: string | undefined, options: CommonOptions & { allDead?: true }) => {
      if ((id === undefined) === (options.allDead === undefined))
        throw new AppError("usage", "Give the id of a delivery, or --all-dead.");
      return withStore(options, "changing the deliveries", (store) =>
        id === undefined ? retryAll(store) : retryOne(store, id),
      );
    });
  return new Command("deliveries")
    .description("look at what leaves through the platforms, and retry what failed")
    .addCommand(list)
    .addCommand(show)
    .addCommand(retry);
}

async function listDeliveries(store: Store, options: DeliveryListOptions): Promise<void> {
  const { status, platform } = options;
  const page = await store.deliveries.list({
    ...pageOf(options),
    ...(status === undefined ? {} : { status }),
    ...(platform === undefined ? {} : { platform }),
  });
  if (options.json)
    return printJson({ deliveries: page.items.map(deliveryJson), next_cursor: page.nextCursor });
  if (page.items.length === 0) return say("There are no such deliveries.");
  printTable(
    ["DELIVERY", "TO", "KIND", "STATUS", "TRIES", "CREATED", "WHAT"],
    page.items.map((delivery) => [
      delivery.id,
      targetOf(delivery.target),
      delivery.kind,
      delivery.status,
      String(delivery.attempts),
      formatTime(delivery.createdAt),
      whatOf(delivery).slice(0, 60),
    ]),
  );
  sayMore(page.nextCursor);
}

function whatOf(delivery: OutboundDelivery): string {
  const { error, text, runId } = delivery;
  const names = filesOf(delivery).map(({ name }) => name);
  return error?.message ?? text ?? runId ?? names.join(", ");
}

async function showDelivery(store: Store, id: string, { json }: { json?: true }): Promise<void> {
  const delivery = await store.deliveries.get(id);
  if (delivery === null)
    throw new AppError("not_found", `There is no delivery ${JSON.stringify(id)}.`, {
      hint: "`hermes deliveries list` prints the ids.",
    });
  if (json) return printJson(deliveryJson(delivery));
  print(printable(factsOf(delivery).join("\n")));
}

function factsOf(delivery: OutboundDelivery): string[] {
  const { id, kind, status, target, runId, parts, attempts, dueAt, error, createdAt, finishedAt, text } =
    delivery;
  const facts = {
    id,
    to: targetOf(target),
    kind,
    status,
    run: runId,
    files: filesOf(delivery)
      .map(({ name, sizeBytes }) => `${name} (${sizeBytes} bytes)`)
      .join(", "),
    messages: parts.map(({ messageId }) => messageId).join(", ") || undefined,
    tries: String(attempts),
    created: formatTime(createdAt),
    next_try: status === "due" ? formatTime(dueAt) : undefined,
    finished: finishedAt === null ? undefined : formatTime(finishedAt),
    error: error?.message,
    hint: error?.hint,
  };
  const lines = Object.entries(facts).flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
  return text === undefined ? lines : [...lines, "", text];
}

async function retryOne(store: Store, id: string): Promise<void> {
  const delivery = await store.deliveries.retry(id);
  print(`${id} is tried again.`);
  await sayWhoSends(store, [delivery]);
}

async function retryAll(store: Store): Promise<void> {
  const dead: OutboundDelivery[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const from = cursor === "" ? {} : { cursor };
    const page = await store.deliveries.list({ limit: ALL_AT_ONCE, status: "dead", ...from });
    dead.push(...page.items);
    cursor = page.nextCursor;
  }
  for (const { id } of dead) await store.deliveries.retry(id);
  print(dead.length === 1 ? "1 delivery is tried again." : `${dead.length} deliveries are tried again.`);
  await sayWhoSends(store, dead);
}

/** What is due leaves only while somebody connects its account. */
async function sayWhoSends(store: Store, deliveries: readonly OutboundDelivery[]): Promise<void> {
  const accounts = new Map(deliveries.map(({ target }) => [`${target.platform} ${target.account}`, target]));
  for (const { platform, account } of accounts.values()) {
    const record = await store.accounts.get(platform, account);
    if (record?.instance) continue;
    say(`Nobody connects ${platform} at this moment: it leaves once \`hermes gateway\` runs.`);
  }
}
