import type { AccountSettings, ConnectionHooks, PlatformAdapter } from "../contract.ts";
import { fieldsOf } from "../fields.ts";
import { createSlackApi } from "./api.ts";
import { edit, remove } from "./edit.ts";
import { fetchFile } from "./fetch-file.ts";
import { createIdentify, type Identity } from "./identity.ts";
import { type ListenTimings, listen } from "./listen.ts";
import { parseEvent, parseInteraction, parseSlashCommand } from "./parse.ts";
import { createReact } from "./reactions.ts";
import { post } from "./send.ts";
import type { Envelope } from "./socket.ts";
import { createStatus } from "./status.ts";
import { removeStrays, type StrayParts } from "./strays.ts";
import { createStreams } from "./streams.ts";
import { createWebhook } from "./webhook.ts";

/** As Slack's own clients wait, except that the connection is not given up after few retries. */
export const TIMINGS: ListenTimings = {
  firstRetryMs: 500,
  maxRetryMs: 30_000,
  stableMs: 10_000,
  helloTimeoutMs: 20_000,
  pingTimeoutMs: 30_000,
  pongTimeoutMs: 15_000,
  closeTimeoutMs: 2000,
  checkEveryMs: 180_000,
};

/** An account of Slack that can send. Throws `unauthorized` when it has no token. */
export function createSlackAdapter(
  account: AccountSettings<"slack">,
  timings: ListenTimings = TIMINGS,
): PlatformAdapter {
  const api = createSlackApi(account);
  const streams = createStreams(api);
  let connection: ConnectionHooks | null = null;
  const status = createStatus(api, account, (message, fields) => connection?.log("debug", message, fields));
  const commands = new Set<string>();
  const ask = createIdentify(api);
  let identity: Identity | null = null;
  const identify: typeof ask = async (...asked) => {
    identity = await ask(...asked);
    return identity;
  };
  const strays: StrayParts = {
    api,
    identify,
    isOpen: streams.isOpen,
    remove: (chat, sent, signal) => remove({ api, streams }, chat, sent, signal),
    log: (message, fields) => connection?.log("debug", message, fields),
  };
  const reading = () => ({ botUserId: identity?.userId ?? "", commands });

  const take = async ({ type, body }: Envelope, { emit }: Pick<ConnectionHooks, "emit">): Promise<void> => {
    const message =
      type === "events_api"
        ? parseEvent(body, reading())
        : type === "slash_commands"
          ? parseSlashCommand(fieldsOf(body), reading())
          : parseInteraction(body);
    if (message !== null) await emit(message);
  };

  return {
    async listen(hooks, signal) {
      connection = hooks;
      await listen({ account, identify, take, timings }, hooks, signal);
    },
    webhook: createWebhook({ account, commands, botUserId: () => reading().botUserId }),
    async send(message, signal) {
      if (message.mayBeThere) await removeStrays(strays, message, signal);
      const started = message.isPartial ? await streams.start(message, signal) : null;
      const sent = started ?? (await post(api, message, signal));
      status.posted(message.address);
      return sent;
    },
    async edit(sent, message, signal) {
      await edit({ api, streams }, sent, message, signal);
      if (!message.isPartial) await status.clear(message.address, signal);
    },
    remove: ({ chat }, sent, signal) => remove({ api, streams }, chat, sent, signal),
    async typing(address, signal) {
      const { chat, thread = "" } = address;
      if (!streams.isOpenIn(chat, thread)) await status.show(address, signal);
    },
    react: createReact(api),
    fetchFile: (file, maxBytes, signal) => fetchFile(api, file, maxBytes, signal),
    // Slack lists the commands of an app in its manifest alone; here they tell which words are commands in threads.
    async registerCommands(known) {
      for (const { name, aliases = [] } of known) for (const word of [name, ...aliases]) commands.add(word);
    },
  };
}
