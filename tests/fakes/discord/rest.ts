import { invalidForm, json, nothing, refused } from "./answers.ts";
import { channelOf } from "./channels.ts";
import type { FakeGateway } from "./gateway.ts";
import type { Interactions } from "./interactions.ts";
import { editMessage, sendMessage } from "./rest-messages.ts";
import type { World } from "./world.ts";

/** A request of the API, read. */
export interface Asked {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  body: Record<string, unknown>;
  files: { name: string; type: string; bytes: Uint8Array }[];
}

/** What the routes work on. */
export interface Rooms {
  world: World;
  gateway: FakeGateway;
  interactions: Interactions;
  origin: () => string;
}

interface Route {
  /** As `POST /channels/:channel/messages`. */
  name: string;
  /** True for those that carry a token of their own in the path. */
  isOpen?: boolean;
  answer(asked: Asked, rooms: Rooms): Response;
}

const UNKNOWN_CHANNEL = () => refused(404, 10003, "Unknown Channel");
const UNKNOWN_MESSAGE = () => refused(404, 10008, "Unknown Message");

/** Every route of the API that the fake knows. */
export const ROUTES: readonly Route[] = [
  {
    name: "GET /gateway/bot",
    answer: (_, { gateway, origin }) =>
      json({
        url: origin().replace(/^http/, "ws"),
        shards: 1,
        session_start_limit: {
          total: 1000,
          remaining: gateway.sessionsLeft,
          reset_after: 86_400_000,
          max_concurrency: 1,
        },
      }),
  },
  {
    name: "GET /users/@me",
    answer: (_, { world }) =>
      json({ ...world.bot, discriminator: "0000", avatar: null, global_name: null, verified: true }),
  },
  {
    name: "GET /applications/@me",
    answer: (_, { world }) =>
      json({ id: world.applicationId, name: "Hermes", verify_key: "", flags: 1 << 18 }),
  },
  {
    name: "GET /channels/:channel",
    answer: ({ params }, { world }) => {
      const channel = world.channels.get(params["channel"] ?? "");
      return channel === undefined ? UNKNOWN_CHANNEL() : json(channelOf(channel));
    },
  },
  {
    name: "GET /channels/:channel/messages",
    answer: ({ params, query }, { world }) => {
      const { channel = "" } = params;
      if (!world.channels.has(channel)) return UNKNOWN_CHANNEL();
      const limit = Number(query.get("limit") ?? 50);
      if (!(limit >= 1 && limit <= 100))
        return invalidForm("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.");
      const after = query.get("after");
      const all = world.messages(channel);
      const page =
        after === null
          ? all.slice(-limit)
          : all.filter(({ id }) => BigInt(id) > BigInt(after)).slice(0, limit);
      return json(page.reverse());
    },
  },
  {
    name: "GET /channels/:channel/messages/:message",
    answer: ({ params }, { world }) => {
      const message = world.find(params["channel"] ?? "", params["message"] ?? "");
      return message === undefined ? UNKNOWN_MESSAGE() : json(message);
    },
  },
  { name: "POST /channels/:channel/messages", answer: sendMessage },
  { name: "PATCH /channels/:channel/messages/:message", answer: editMessage },
  {
    name: "DELETE /channels/:channel/messages/:message",
    answer: ({ params }, { world }) =>
      world.remove(params["channel"] ?? "", params["message"] ?? "") ? nothing() : UNKNOWN_MESSAGE(),
  },
  {
    name: "POST /channels/:channel/typing",
    answer: ({ params }, { world }) =>
      world.channels.has(params["channel"] ?? "") ? nothing() : UNKNOWN_CHANNEL(),
  },
  {
    name: "PUT /channels/:channel/messages/:message/reactions/:emoji/@me",
    answer: ({ params }, { world }) => {
      if (world.find(params["channel"] ?? "", params["message"] ?? "") === undefined)
        return UNKNOWN_MESSAGE();
      world.reactions(params["message"] ?? "").add(params["emoji"] ?? "");
      return nothing();
    },
  },
  {
    name: "DELETE /channels/:channel/messages/:message/reactions/:emoji/@me",
    answer: ({ params }, { world }) => {
      world.reactions(params["message"] ?? "").delete(params["emoji"] ?? "");
      return nothing();
    },
  },
  {
    name: "POST /channels/:channel/messages/:message/threads",
    answer: ({ params }, { world, gateway }) => {
      const parent = world.channels.get(params["channel"] ?? "");
      if (parent?.guildId === undefined) return UNKNOWN_CHANNEL();
      const { guildId, id: parentId } = parent;
      // A thread that begins at a message has the id of the message.
      const thread = channelOf(world.addChannel({ type: 11, guildId, parentId }, params["message"]));
      gateway.dispatch("THREAD_CREATE", { ...thread, newly_created: true }, 1);
      return json(thread, 201);
    },
  },
  {
    name: "GET /applications/:application/commands",
    answer: ({ query }, { interactions }) =>
      json(interactions.commands(query.get("with_localizations") === "true")),
  },
  {
    name: "PUT /applications/:application/commands",
    answer: ({ body }, { interactions }) => interactions.setCommands(body as unknown),
  },
  {
    name: "POST /interactions/:interaction/:token/callback",
    isOpen: true,
    answer: ({ params, body }, { interactions }) =>
      interactions.respond(params["interaction"] ?? "", params["token"] ?? "", body),
  },
  {
    name: "PATCH /webhooks/:application/:token/messages/@original",
    isOpen: true,
    answer: ({ params, body }, { interactions }) => interactions.editOriginal(params["token"] ?? "", body),
  },
  {
    name: "DELETE /webhooks/:application/:token/messages/@original",
    isOpen: true,
    answer: ({ params }, { interactions }) => interactions.removeOriginal(params["token"] ?? ""),
  },
];

/** The route of a request and what its path names; null for one that the fake does not know. */
export function findRoute(
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } | null {
  const parts = path.split("/").map(decodeURIComponent);
  for (const route of ROUTES) {
    const [wanted, template = ""] = route.name.split(" ");
    const names = template.split("/");
    if (wanted !== method || names.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = names.every((name, at) => {
      if (name.startsWith(":")) params[name.slice(1)] = parts[at] ?? "";
      return name.startsWith(":") || name === parts[at];
    });
    if (fits) return { route, params };
  }
  return null;
}
