import { channel as diagnosticsChannel } from "node:diagnostics_channel";
import { SocketModeClient } from "@slack/socket-mode";
import { orAborted, within } from "../../lib/waiting.ts";
import { type AccountSettings, type ConnectionHooks, PlatformError } from "../contract.ts";
import { clientOptions, SILENT } from "./api.ts";
import { toPlatformError } from "./errors.ts";

/** How long the parts of a Socket Mode connection may take. */
export interface SocketTimings {
  /** From the request for an address to Slack's hello. */
  helloTimeoutMs: number;
  /** Without a ping of Slack for so long, once there was one, the connection is dead. */
  pingTimeoutMs: number;
  /** Without an answer to our own pings for so long, the connection is dead. They go out three times as often. */
  pongTimeoutMs: number;
  /** Shutting down waits so long for messages that are being taken, and for the connection to close. */
  closeTimeoutMs: number;
}

/** What Slack sends over the connection and wants acknowledged. */
export interface Envelope {
  type: string;
  body: unknown;
}

/** Resolves once what the envelope says is on disk, or says nothing to be kept; rejects when it has to come again. */
export type EnvelopeTaker = (envelope: Envelope, hooks: Pick<ConnectionHooks, "emit">) => Promise<void>;

/** What one connection works with. */
export interface SocketParts {
  account: AccountSettings<"slack">;
  take: EnvelopeTaker;
  timings: SocketTimings;
}

type SocketHooks = Omit<ConnectionHooks, "connected"> & { connected(): void };

/** The frames by which a connection shows that it lives, as the SDK and undici publish them. */
const LIFE_SIGNS = ["undici:websocket:ping", "undici:websocket:pong"] as const;

/**
 * Holds one Socket Mode connection (docs.slack.dev/apis/events-api/using-socket-mode) until the signal aborts, and then
 * resolves. Rejects with `unavailable` when the connection ends in any other way, with `unauthorized` when Slack refuses the
 * token. The SDK makes no second connection by itself: only so is there never more than one.
 */
export async function receiveBySocket(
  parts: SocketParts,
  hooks: SocketHooks,
  signal: AbortSignal,
): Promise<void> {
  const { take, timings } = parts;
  const client = createClient(parts);
  const ended = Promise.withResolvers<void>();
  const taking = new Set<Promise<void>>();
  const life = watchLife(() => hooks.alive());
  client.on("authenticated", ({ url }: { url?: string }) => life.of(url ?? ""));
  client.on("disconnected", () => ended.resolve());
  client.on("slack_event", (event: SlackEvent) => {
    hooks.alive();
    const taken = acknowledge(event, take, hooks).finally(() => taking.delete(taken));
    taking.add(taken);
  });
  const starting = client.start();
  try {
    await orAborted(saidHello(starting, timings.helloTimeoutMs), signal);
    hooks.connected();
    await orAborted(ended.promise, signal);
    throw new PlatformError("unavailable", "The connection to Slack ended.");
  } catch (error) {
    if (!signal.aborted) throw error;
    await within(Promise.allSettled(taking), timings.closeTimeoutMs);
  } finally {
    life.stop();
    await within(close(client, starting), timings.closeTimeoutMs);
  }
}

/** What the SDK tells of an envelope. */
interface SlackEvent {
  type: string;
  body: unknown;
  envelope_id: string;
  ack(): Promise<void>;
}

function createClient({ account, timings }: SocketParts): SocketModeClient {
  return new SocketModeClient({
    appToken: account.app_token ?? "",
    autoReconnectEnabled: false,
    serverPingTimeout: timings.pingTimeoutMs,
    clientPingTimeout: timings.pongTimeoutMs,
    logger: SILENT,
    clientOptions: clientOptions(account),
  });
}

async function saidHello(starting: Promise<unknown>, timeoutMs: number): Promise<void> {
  const started = starting.catch((thrown: unknown) => {
    // The SDK rejects with nothing when the upgrade is refused.
    if (thrown === undefined) throw new PlatformError("unavailable", "Slack refused the connection.");
    throw toPlatformError(thrown, "apps.connections.open", "app");
  });
  if (!(await within(started, timeoutMs)))
    throw new PlatformError("unavailable", "Slack opened a connection and said no hello.");
}

/** Acknowledges an envelope once it is taken. Without that Slack delivers it again. */
async function acknowledge(event: SlackEvent, take: EnvelopeTaker, hooks: SocketHooks): Promise<void> {
  const { type, body, envelope_id: envelope } = event;
  const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
  try {
    await take({ type, body }, hooks);
  } catch (error) {
    hooks.log("warn", "a message could not be taken; Slack delivers it again", {
      envelope,
      reason: reasonOf(error),
    });
    return;
  }
  await event.ack().catch((error: unknown) => {
    hooks.log("debug", "a message was taken and could not be acknowledged", {
      envelope,
      reason: reasonOf(error),
    });
  });
}

/** Tells of every frame that shows that the connection lives. The process may hold others: `of` says which one it is. */
function watchLife(alive: () => void) {
  let address = "";
  const heard = (message: unknown) => {
    const { websocket } = message as { websocket?: { url?: string } };
    if (websocket?.url === address) alive();
  };
  for (const name of LIFE_SIGNS) diagnosticsChannel(name).subscribe(heard);
  return {
    of(url: string) {
      address = URL.parse(url)?.href ?? url;
    },
    stop() {
      for (const name of LIFE_SIGNS) diagnosticsChannel(name).unsubscribe(heard);
    },
  };
}

/** Closes the connection, also one that is only being made. */
async function close(client: SocketModeClient, starting: Promise<unknown>): Promise<void> {
  starting.then(
    () => client.disconnect(),
    () => {}, // told by `saidHello`
  );
  await client.disconnect();
}
