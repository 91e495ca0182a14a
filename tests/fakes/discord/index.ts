import { generateKeyPairSync, sign } from "node:crypto";
import { json, refused } from "./answers.ts";
import { createFaults, type Failure, failed } from "./faults.ts";
import { createGateway, type FakeGateway, type SocketData } from "./gateway.ts";
import { createInteractions, type InteractionInput, type InteractionRecord } from "./interactions.ts";
import { type Asked, findRoute } from "./rest.ts";
import { createWorld, type FakeMessage, type FakeUser, type MessageParts, type World } from "./world.ts";

/** A request that the API has received. */
export interface FakeCall {
  /** As `POST /channels/:channel/messages`. */
  route: string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Record<string, unknown>;
  files: Asked["files"];
  /** 0: it has no answer yet. */
  status: number;
  /** The client went away before it had the answer. */
  isGivenUp: boolean;
  atMs: number;
}

export interface FakeDiscordOptions {
  /** Between two heartbeats; as Discord unless said otherwise. */
  heartbeatMs?: number;
  /** False: the switch "Message Content Intent" of the application is off. */
  messageContent?: boolean;
}

/** Something that a person writes. */
export interface WrittenInput {
  channel?: string;
  author?: FakeUser;
  content: string;
  parts?: MessageParts;
  /** How often it is delivered; once unless said otherwise. */
  times?: number;
}

/**
 * Discord in this process, on loopback: API v10 and gateway on one port, after the documentation of Discord. Its own client,
 * discord.js, works with it (tests/platforms/discord/judges.test.ts). Ids are snowflakes, so that clients take them.
 */
export interface FakeDiscord extends AsyncDisposable {
  /** What to configure as `api_base`. */
  readonly apiBase: string;
  readonly origin: string;
  readonly token: string;
  /** What to configure as `application_public_key`. */
  readonly publicKey: string;
  readonly world: World;
  readonly gateway: FakeGateway;
  /** A server with one text channel, a person, and the direct chat with that person. */
  readonly guild: string;
  readonly channel: string;
  readonly person: FakeUser;
  readonly direct: string;
  /** Somebody writes: kept in the channel and dispatched to every session. */
  write(input: WrittenInput): FakeMessage;
  /** Delivers a message once more. */
  redeliver(message: FakeMessage): void;
  /** A file that can be part of a message. */
  attach(name: string, type: string, bytes: Uint8Array): FakeMessage["attachments"][number];
  /** Somebody uses a command or presses a button; dispatched unless it is to go to a webhook. */
  interact(input: InteractionInput, by?: "gateway" | "webhook"): InteractionRecord;
  readonly interactions: readonly InteractionRecord[];
  /** The headers and the body with which Discord calls a webhook. */
  signed(payload: unknown, atMs?: number): { headers: Record<string, string>; body: Uint8Array };
  /** The messages of a channel as people see them, edits applied, the oldest first. */
  messages(channel?: string): FakeMessage[];
  /** Every request so far, or those of one route. */
  calls(route?: string): FakeCall[];
  fail(route: string, failure: Failure): void;
  /** For so long, sockets are refused with 503. */
  refuseUpgrades(ms: number): void;
  /** How often a socket was refused. */
  readonly refusedUpgrades: number;
  /** From now on upgrades get no answer; the function answers them, those waiting included. */
  holdUpgrades(): () => void;
}

/** Starts Discord on a port of its own. */
export function startFakeDiscord(options: FakeDiscordOptions = {}): FakeDiscord {
  const token = "MTIzNDU2.fake-discord-token.0123456789";
  const keys = generateKeyPairSync("ed25519");
  const world = createWorld();
  const gateway = createGateway(world, {
    token,
    heartbeatMs: options.heartbeatMs ?? 41_250,
    messageContent: options.messageContent ?? true,
    url: () => fake.origin.replace(/^http/, "ws"),
  });
  const interactions = createInteractions(world);
  const faults = createFaults();
  const calls: FakeCall[] = [];
  const upgrades = { refusedUntilMs: 0, refused: 0, held: null as Promise<void> | null };

  async function upgrade(request: Request): Promise<Response | undefined> {
    await upgrades.held;
    if (Date.now() < upgrades.refusedUntilMs) {
      upgrades.refused++;
      return new Response("no", { status: 503 });
    }
    const upgraded = server.upgrade(request, { data: { sessionId: null } });
    return upgraded ? undefined : new Response("no", { status: 400 });
  }

  async function answer(request: Request, path: string, query: URLSearchParams): Promise<Response> {
    const found = findRoute(request.method, path);
    if (found === null) return refused(404, 0, "404: Not Found");
    const { route, params } = found;
    const asked: Asked = { params, query, ...(await readBody(request)) };
    const failure = faults.take(route.name);
    const isAllowed = route.isOpen === true || request.headers.get("authorization") === `Bot ${token}`;
    const act = () =>
      isAllowed
        ? route.answer(asked, { world, gateway, interactions, origin: () => fake.origin })
        : json({ message: "401: Unauthorized", code: 0 }, 401);
    if (failure?.isDone) act();
    const call: FakeCall = {
      route: route.name,
      params,
      query: Object.fromEntries(query),
      body: asked.body,
      files: asked.files,
      status: 0,
      isGivenUp: false,
      atMs: Date.now(),
    };
    request.signal.addEventListener("abort", () => {
      call.isGivenUp = true;
    });
    calls.push(call);
    const response = await (failure === undefined ? act() : failed(failure));
    call.status = response.status;
    return response;
  }

  const server = Bun.serve<SocketData>({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (request.headers.get("upgrade") === "websocket") return await upgrade(request);
      if (pathname.startsWith("/attachments/")) {
        const file = world.attachment(pathname.split("/")[2] ?? "");
        if (file === undefined) return new Response("not found", { status: 404 });
        return new Response(file.bytes.slice(), { headers: { "content-type": file.type } });
      }
      if (!pathname.startsWith("/api/v10/")) return refused(404, 0, "404: Not Found");
      return await answer(request, pathname.slice("/api/v10".length), searchParams);
    },
    websocket: gateway.websocket,
  });

  const guild = world.addGuild("Guild");
  const channel = world.addChannel({ type: 0, guildId: guild }).id;
  const person = world.addUser("ann");
  const direct = world.addChannel({ type: 1, recipient: person }).id;
  const fake: FakeDiscord = {
    origin: `http://127.0.0.1:${server.port}`,
    apiBase: `http://127.0.0.1:${server.port}/api`,
    token,
    publicKey: keys.publicKey.export({ type: "spki", format: "der" }).subarray(12).toString("hex"),
    world,
    gateway,
    guild,
    channel,
    person,
    direct,
    write({ channel: where = channel, author = person, content, parts, times = 1 }) {
      const mentions = [...content.matchAll(/<@!?(\d+)>/g)].map(([, id]) => ({ id, username: `user-${id}` }));
      const message = world.write(where, author, content, { mentions, ...parts });
      for (let time = 0; time < times; time++) gateway.dispatchMessage("MESSAGE_CREATE", message);
      return message;
    },
    redeliver: (message) => gateway.dispatchMessage("MESSAGE_CREATE", message),
    attach: (name, type, bytes) => world.attach({ name, type, bytes }, fake.origin),
    interact(input, by = "gateway") {
      const record = interactions.create(input);
      if (by === "gateway") gateway.dispatch("INTERACTION_CREATE", record.payload, 0);
      return record;
    },
    interactions: interactions.records,
    signed(payload, atMs = Date.now()) {
      const body = Buffer.from(JSON.stringify(payload));
      const timestamp = String(Math.floor(atMs / 1000));
      const signature = sign(null, Buffer.concat([Buffer.from(timestamp), body]), keys.privateKey);
      const headers = {
        "content-type": "application/json",
        "x-signature-ed25519": signature.toString("hex"),
        "x-signature-timestamp": timestamp,
      };
      return { headers, body };
    },
    messages: (where = channel) => world.messages(where),
    calls: (route) => (route === undefined ? calls : calls.filter((call) => call.route === route)),
    fail: faults.add,
    refuseUpgrades(ms) {
      upgrades.refusedUntilMs = Date.now() + ms;
    },
    get refusedUpgrades() {
      return upgrades.refused;
    },
    holdUpgrades() {
      const held = Promise.withResolvers<void>();
      upgrades.held = held.promise;
      return () => {
        upgrades.held = null;
        held.resolve();
      };
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return fake;
}

async function readBody(request: Request): Promise<Pick<Asked, "body" | "files">> {
  const type = request.headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data")) {
    const text = await request.text();
    return { body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>), files: [] };
  }
  const form = await request.formData();
  const files: Asked["files"] = [];
  for (const [key, value] of form.entries() as IterableIterator<[string, File | string]>)
    if (key.startsWith("files[") && typeof value !== "string")
      files.push({ name: value.name, type: value.type, bytes: new Uint8Array(await value.arrayBuffer()) });
  return { body: JSON.parse(String(form.get("payload_json") ?? "{}")) as Record<string, unknown>, files };
}
