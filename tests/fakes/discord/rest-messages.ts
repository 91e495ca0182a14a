import { invalidForm, json, refused } from "./answers.ts";
import type { Asked, Rooms } from "./rest.ts";
import type { FakeMessage, MessageParts, World } from "./world.ts";

/** How long a nonce is remembered ("the past few minutes"). */
const NONCE_KEPT_MS = 5 * 60_000;
const MAX_CONTENT_CHARS = 2000;

/** POST of a message: length, nonce, reply and files as Discord takes them. */
export function sendMessage({ params, body, files }: Asked, rooms: Rooms): Response {
  const { world, gateway, origin } = rooms;
  const channelId = params["channel"] ?? "";
  if (!world.channels.has(channelId)) return refused(404, 10003, "Unknown Channel");
  const wrong = wrongContent(body, files.length);
  if (wrong !== null) return wrong;
  const nonce = body["nonce"] === undefined ? undefined : String(body["nonce"]);
  if (nonce !== undefined && nonce.length > 25)
    return invalidForm("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
  const first = body["enforce_nonce"] === true && nonce !== undefined ? remembered(world, nonce) : undefined;
  if (first !== undefined) return json(first);

  const reply = body["message_reference"] as
    | { message_id?: string; fail_if_not_exists?: boolean }
    | undefined;
  const referenced = reply?.message_id === undefined ? undefined : world.find(channelId, reply.message_id);
  if (reply !== undefined && referenced === undefined && reply.fail_if_not_exists !== false)
    return invalidForm("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");

  const parts: MessageParts = {
    attachments: files.map((file) => world.attach(file, origin())),
    components: (body["components"] as unknown[] | undefined) ?? [],
    ...(nonce === undefined ? {} : { nonce }),
    ...(referenced === undefined
      ? {}
      : {
          message_reference: { message_id: referenced.id, channel_id: channelId },
          referenced_message: referenced,
        }),
  };
  const message = world.write(channelId, world.bot, String(body["content"] ?? ""), parts);
  if (nonce !== undefined) world.nonces.set(nonce, { message, atMs: Date.now() });
  gateway.dispatchMessage("MESSAGE_CREATE", message);
  return json(message);
}

/** PATCH of a message of the bot. */
export function editMessage({ params, body }: Asked, { world, gateway }: Rooms): Response {
  const message = world.find(params["channel"] ?? "", params["message"] ?? "");
  if (message === undefined) return refused(404, 10008, "Unknown Message");
  if (message.author.id !== world.bot.id)
    return refused(403, 50005, "Cannot edit a message authored by another user");
  const wrong = wrongContent({ content: message.content, ...body }, message.attachments.length);
  if (wrong !== null) return wrong;
  if (typeof body["content"] === "string") message.content = body["content"];
  if (Array.isArray(body["components"])) message.components = body["components"];
  message.edited_timestamp = new Date().toISOString();
  gateway.dispatchMessage("MESSAGE_UPDATE", message);
  return json(message);
}

function wrongContent(body: Record<string, unknown>, files: number): Response | null {
  const content = body["content"] ?? "";
  if (typeof content !== "string")
    return invalidForm("content", "STRING_TYPE_CONVERT", "Could not interpret as string.");
  if (content.trim() === "" && files === 0) return refused(400, 50006, "Cannot send an empty message");
  if (content.length > MAX_CONTENT_CHARS)
    return invalidForm("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.");
  return null;
}

function remembered(world: World, nonce: string): FakeMessage | undefined {
  const first = world.nonces.get(nonce);
  return first !== undefined && Date.now() - first.atMs < NONCE_KEPT_MS ? first.message : undefined;
}
