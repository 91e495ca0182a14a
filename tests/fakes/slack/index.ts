import { createFates } from "../fates.ts";
import type { Args, Delivery, FakeSlack, FakeSlackOptions } from "./contract.ts";
import { createHttpEvents } from "./http-events.ts";
import { createPeople } from "./people.ts";
import { isMethod, serveSlack } from "./server.ts";
import { createSocketMode } from "./socket-mode.ts";
import { createWebApi } from "./web-api.ts";
import { createWorkspace } from "./workspace.ts";

export { pingsOf } from "./blocks.ts";
export type { FakeSlack, StoredMessage } from "./contract.ts";
export { signatureOf } from "./http-events.ts";

const TOKENS = { botToken: "xoxb-1111-2222-fakebotfakebot", appToken: "xapp-1-A0APP-3333-fakeappfakeapp" };
const SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const UNTIL_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 5;

/**
 * Slack as a real server: the Web API, Socket Mode and the Events API over HTTP. It refuses what Slack refuses, delivers again
 * what is not acknowledged, and can be made to fail. The official client and framework work against it.
 */
export function startFakeSlack(options: FakeSlackOptions = {}): FakeSlack {
  const workspace = createWorkspace();
  const fates = createFates();
  const ended = (delivery: Delivery, isTaken: boolean) => fates.end(messageOf(delivery), isTaken);
  const socketMode = createSocketMode(options, ended);
  const http = createHttpEvents(SIGNING_SECRET, options.clock ?? 1000, ended);
  const webApi = createWebApi({ ...TOKENS, workspace, ticket: socketMode.ticket });
  const server = serveSlack({ workspace, socketMode, webApi, botToken: TOKENS.botToken });
  const origin = `http://127.0.0.1:${server.port}`;
  let address: string | null = null;

  const deliver = (kind: Delivery["kind"], payload: Args) => {
    const delivery = { kind, payload, retry: 0 };
    fates.begin(messageOf(delivery));
    if (address === null) socketMode.envelopes.deliver(delivery);
    else http.deliver(address, delivery);
  };

  return {
    ...TOKENS,
    apiBase: `${origin}/api/`,
    signingSecret: SIGNING_SECRET,
    teamId: workspace.teamId,
    botUserId: workspace.botUserId,
    ...createPeople(workspace, origin, deliver),
    deliver,
    sendTo(url) {
      address = url;
    },
    get connections() {
      return socketMode.connections.size;
    },
    get opened() {
      return socketMode.opened;
    },
    get pending() {
      return socketMode.envelopes.pending + http.pending;
    },
    answers: http.answers,
    fate: fates.of,
    drop() {
      for (const connection of socketMode.connections) connection.terminate();
    },
    disconnect(reason) {
      const frame = JSON.stringify({ type: "disconnect", reason, debug_info: { host: "fake" } });
      for (const connection of socketMode.connections) connection.send(frame);
    },
    refuseUpgradesFor: socketMode.refuseUpgradesFor,
    sayHello: socketMode.sayHello,
    ping: socketMode.ping,
    fail(method, failure, times = Number.POSITIVE_INFINITY) {
      if (!isMethod(method)) throw new Error(`the fake has no method ${method}`);
      webApi.fail(method, failure, times);
    },
    heal: webApi.heal,
    calls: (method) => webApi.calls.filter((call) => method === undefined || call.method === method),
    messages: (channel) => workspace.all().filter((message) => message.channel === channel),
    closeChannel: workspace.close,
    expire(channel, ts) {
      const message = workspace.find(channel, ts);
      if (message !== null) message.stream = "ended";
    },
    until,
    async [Symbol.asyncDispose]() {
      socketMode.stop();
      http.stop();
      await server.stop(true);
    },
  };
}

/** The `ts` of the message that an event tells of; empty where there is none. */
function messageOf({ payload }: Delivery): string {
  return String((payload["event"] as Args | undefined)?.["ts"] ?? "");
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + UNTIL_TIMEOUT_MS;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
