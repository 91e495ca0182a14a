import { type Account, accountLabel } from "../config/accounts.ts";
import { databasePath } from "../config/home.ts";
import type { AccountHealth } from "../gateway/contract.ts";
import { createKeptFiles, type KeptFiles } from "../gateway/deliver/kept-files.ts";
import type { DeliveryExtra } from "../gateway/extra.ts";
import { recordedHealth } from "../gateway/recorded-health.ts";
import type { SendNowParts } from "../gateway/send-now.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { sleep } from "../lib/waiting.ts";
import { tooLarge } from "../platforms/file-sizes.ts";
import { loadPlatform } from "../platforms/registry.ts";
import type { Store } from "../store/contract.ts";
import { openStore } from "../store/open.ts";
import type { OutboundDelivery } from "../store/records.ts";
import { chooseAccounts } from "./accounts.ts";
import { type AppOptions, openQuietly } from "./configuration.ts";

/** A message of the operator's. */
export interface OwnMessage {
  /** A platform, or one of its accounts, such as `telegram.work`. */
  account: string;
  chat: string;
  thread?: string;
  /** Markdown; may be empty beside files. */
  text: string;
  /** Paths, as this user reads them. */
  files: readonly string[];
}

/** What a message is sent with. */
export interface SendOptions extends AppOptions {
  /** How other processes are told of this one, if it has to connect the account. */
  holder: string;
  /** Ends the wait; the message stays in the outbox. */
  signal: AbortSignal;
}

/** What became of it. */
export interface SendOutcome {
  delivery: OutboundDelivery;
  /** Why it is not sent, and what can be done about it; null when it is. */
  problem: Problem | null;
}

type Problem = NonNullable<AccountHealth["error"]>;

const LOOK_EVERY_MS = 100;
/** After a try of its own that came to nothing. */
const TRY_AGAIN_MS = 2_000;

/**
 * Puts a message into the outbox and waits until it is sent or given up, the account turns out to be refused, or the signal
 * aborts. The process that connects the account sends it; where there is none, or it cannot, this one does, unless the bot has one
 * connection only.
 */
export async function sendMessage(message: OwnMessage, options: SendOptions): Promise<SendOutcome> {
  const { loaded, log } = openQuietly(options);
  const account = theAccount(chooseAccounts(loaded.config, [message.account]), message.account);
  const store = await openStore({ path: databasePath(loaded.home), log });
  try {
    const id = newId("dlv");
    const kept = createKeptFiles(loaded.home);
    await add(message, id, account, { store, kept });
    const { holder, signal } = options;
    const config = { current: loaded.config, onChange: () => () => undefined };
    const isForGateway =
      (await loadPlatform(account.platform))?.hasOneConnection?.(account.settings) ?? false;
    const send = async () =>
      isForGateway ? needsGateway(account) : sendHere({ config, store, log, holder, kept }, id, signal);
    const refusal = await delivered(store, id, account, send, signal);
    const delivery = await deliveryOf(store, id);
    return {
      delivery,
      problem: delivery.status === "sent" ? null : (refusal ?? (await problemOf(store, delivery))),
    };
  } finally {
    await store.close();
  }
}

/** Puts the message into the outbox. Its files are copied before: they may be gone when it leaves. */
async function add(
  { chat, thread, text, files: paths }: OwnMessage,
  id: string,
  { platform, name }: Account,
  { store, kept }: { store: Store; kept: KeptFiles },
): Promise<void> {
  const title = (await loadPlatform(platform))?.title ?? platform;
  const files =
    paths.length === 0 ? [] : await kept.keep(id, paths, (file) => tooLarge(platform, title, file));
  const extra: DeliveryExtra = { language: "en", scope: "direct", files };
  try {
    await store.deliveries.add({
      id,
      kind: "send",
      target: { platform, account: name, chat, ...(thread === undefined ? {} : { thread }) },
      ...(text === "" ? {} : { text }),
      ...(files.length === 0 ? {} : { extra }),
    });
  } catch (error) {
    if (files.length > 0) await kept.drop(id);
    throw error;
  }
}

function theAccount(accounts: readonly Account[], name: string): Account {
  const [first, second] = accounts;
  if (first === undefined || second !== undefined)
    throw new AppError("usage", `${name} has several accounts.`, {
      hint: `Name one: ${accounts.map(accountLabel).join(", ")}.`,
    });
  return first;
}

/**
 * Leaves the message to whoever connects the account; sends it by `send` as soon as nobody does, and when the other one has been
 * refused, perhaps only for lack of a key to receive. Resolves with the refusal once nobody can send it.
 */
async function delivered(
  store: Store,
  id: string,
  account: Account,
  send: () => Promise<Problem | null>,
  signal: AbortSignal,
): Promise<Problem | null> {
  for (let tries = 0; !signal.aborted; ) {
    const { status } = await deliveryOf(store, id);
    if (status === "sent" || status === "dead") return null;
    const other = await healthElsewhere(store, account);
    const isRefused = other?.state === "refused";
    if (isRefused && tries > 0) return other.error;
    if (other !== null && !isRefused) {
      await sleep(LOOK_EVERY_MS, signal);
      continue;
    }
    if (tries++ > 0) await sleep(TRY_AGAIN_MS, signal);
    const refusal = await send();
    if (refusal !== null) return refusal;
  }
  return null;
}

/** How the account is in the hands of another process; null when none has it. */
async function healthElsewhere(
  { accounts, instance }: Store,
  { platform, name }: Account,
): Promise<AccountHealth | null> {
  const record = await accounts.get(platform, name);
  const isElsewhere = record !== null && record.instance !== null && record.instance !== instance;
  return isElsewhere ? recordedHealth(record) : null;
}

/** Another machine may have the bot's one connection: this process does not take it for a moment. */
function needsGateway(account: Account): Problem {
  return {
    message: `${accountLabel(account)} has one connection only, that of \`hermes gateway\`, which does not run here.`,
    hint: "Send it where the gateway runs, or start one: it sends what is in the outbox.",
  };
}

/** Connects the account for this one message. Not to be done in time is no error of it: the message stays in the outbox. */
async function sendHere(parts: SendNowParts, id: string, signal: AbortSignal): Promise<Problem | null> {
  const { sendNow } = await import("../gateway/send-now.ts");
  try {
    return await sendNow(parts, id, signal);
  } catch (error) {
    const isTaken = error instanceof AppError && error.code === "conflict"; // somebody connects it since a moment
    if (!isTaken && !signal.aborted) throw error;
    return null;
  }
}

/** What the last try came to; where there was none, what keeps the account from being connected. */
async function problemOf(store: Store, { error, target }: OutboundDelivery): Promise<Problem> {
  if (error !== null) return error;
  const record = await store.accounts.get(target.platform, target.account);
  const recorded = record === null ? null : recordedHealth(record).error;
  return recorded ?? { message: "The platform did not answer in time." };
}

async function deliveryOf(store: Store, id: string): Promise<OutboundDelivery> {
  const delivery = await store.deliveries.get(id);
  if (delivery === null) throw new AppError("not_found", `There is no delivery ${id}.`);
  return delivery;
}
