import type { InboundMessage } from "../contract.ts";
import type { XmlFields } from "../xml.ts";

/** What a callback says. */
export interface Heard {
  /** The person, by the `openid`. */
  user: string;
  /** The account, by its original id: who answers. */
  account: string;
  /** What may be pushed because of it: five messages after one of the person's own, three after a press or a subscription. */
  opens: "message" | "action" | null;
  /** Null for what is nothing to be answered. */
  message: InboundMessage | null;
}

type Said = Pick<InboundMessage, "text" | "files" | "forwarded">;
type Reader = (get: (name: string) => string) => Said;

/** How a message of each type is read; of other types nothing can be read. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["text", (get) => ({ text: get("Content").trim() })],
  ["image", (get) => fileOf("image", get)],
  [
    "voice",
    (get) => (get("Recognition").trim() === "" ? fileOf("voice", get) : { text: get("Recognition").trim() }),
  ],
  ["video", (get) => fileOf("video", get)],
  ["shortvideo", (get) => fileOf("video", get)],
  ["location", (get) => ({ text: `📍 ${get("Label")} (${get("Location_X")}, ${get("Location_Y")})` })],
  ["link", (get) => linkOf(get)],
]);
const EVENTS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["subscribe", () => ({ text: "/start" })],
  ["CLICK", (get) => ({ text: get("EventKey").trim() })],
]);

/**
 * Reads a callback (https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html and
 * Receiving_event_pushes.html): a press of the menu says what its key says, and who begins to follow is greeted.
 */
export function parseCallback(fields: XmlFields): Heard {
  const get = (name: string) => fields.get(name) ?? "";
  const user = get("FromUserName");
  const isEvent = get("MsgType") === "event";
  const said = (isEvent ? EVENTS.get(get("Event")) : READERS.get(get("MsgType")))?.(get);
  const isSaid = user !== "" && said !== undefined && !saysNothing(said);
  return {
    user,
    account: get("ToUserName"),
    opens: isEvent ? (["subscribe", "CLICK", "SCAN"].includes(get("Event")) ? "action" : null) : "message",
    message: isSaid ? { ...messageFrom(user, idOf(get)), ...said } : null,
  };
}

/** Events have no id of their own: the same person at the same second means the same event. */
function idOf(get: (name: string) => string): string {
  return get("MsgId") || [get("FromUserName"), get("CreateTime"), get("Event"), get("EventKey")].join(":");
}

function messageFrom(user: string, id: string): Omit<InboundMessage, "text"> {
  return {
    type: "message",
    id,
    address: { chat: user },
    scope: "direct",
    sender: { id: user, name: user },
    isForBot: true,
  };
}

/** Pictures have an address besides, for accounts that may not fetch files. */
function fileOf(kind: "image" | "voice" | "video", get: (name: string) => string): Said {
  const id = get("MediaId");
  const address = kind === "image" ? get("PicUrl") : "";
  if (id === "" && address === "") return { text: "" };
  const mediaType = kind === "voice" && get("Format") === "amr" ? { mediaType: "audio/amr" } : {};
  return { text: "", files: [{ kind, ref: JSON.stringify([id, address]), ...mediaType }] };
}

/** A page that somebody shares: its words are those of whoever wrote it. */
function linkOf(get: (name: string) => string): Said {
  const text = [get("Title"), get("Description"), get("Url")].filter(Boolean).join("\n");
  return text === "" ? { text } : { text: "", forwarded: { text } };
}

function saysNothing({ text, files, forwarded }: Said): boolean {
  return text === "" && files === undefined && forwarded === undefined;
}
