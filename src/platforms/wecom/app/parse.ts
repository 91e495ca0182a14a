import type { InboundFile, InboundMessage } from "../../contract.ts";
import type { XmlFields } from "../../xml.ts";

/** What an application reads: to whom its callbacks are addressed. */
export interface Reading {
  corpId: string;
  agentId: string;
}

/** What a message says. */
type Said = Pick<InboundMessage, "text" | "files" | "forwarded" | "button" | "buttonStays">;

/** How a message of each type is read; of other types nothing can be read. */
const READERS: ReadonlyMap<string, (get: (name: string) => string) => Said> = new Map([
  ["text", (get) => ({ text: get("Content").trim() })],
  ["image", (get) => fileOf("image", get)],
  ["voice", (get) => fileOf("voice", get)],
  ["video", (get) => fileOf("video", get)],
  ["location", (get) => ({ text: `📍 ${get("Label")} (${get("Location_X")}, ${get("Location_Y")})` })],
  ["link", (get) => linkOf(get)],
  ["event", (get) => eventOf(get)],
]);

/**
 * What a decrypted callback says (https://developer.work.weixin.qq.com/document/path/90239); null for what is nothing to be
 * answered, such as most events, and for what is addressed to another application.
 */
export function parseCallback(fields: XmlFields, { corpId, agentId }: Reading): InboundMessage | null {
  const get = (name: string) => fields.get(name) ?? "";
  const userId = get("FromUserName");
  const isForUs = get("ToUserName") === corpId && (get("AgentID") || agentId) === agentId;
  const said = READERS.get(get("MsgType"))?.(get);
  if (!isForUs || userId === "" || said === undefined) return null;
  if (Object.entries(said).every(([what, one]) => what === "text" && one === "")) return null;
  return {
    type: "message",
    id: get("MsgId") || [userId, get("CreateTime"), get("Event"), get("EventKey")].join(":"),
    address: { chat: userId },
    scope: "direct",
    sender: { id: userId, name: userId },
    isForBot: true,
    ...said,
  };
}

/** A press of the menu says what its key says; one below a question (/96458) is a button. */
function eventOf(get: (name: string) => string): Said {
  const key = get("EventKey").trim();
  if (get("Event") === "click") return { text: key };
  if (get("Event") !== "template_card_event" || key === "") return { text: "" };
  return { text: "", button: key, buttonStays: true };
}

function fileOf(kind: InboundFile["kind"], get: (name: string) => string): Said {
  const ref = get("MediaId");
  const mediaType = kind === "voice" && get("Format") === "amr" ? { mediaType: "audio/amr" } : {};
  return ref === "" ? { text: "" } : { text: "", files: [{ kind, ref, ...mediaType }] };
}

/** A page that somebody shares: its words are those of whoever wrote it. */
function linkOf(get: (name: string) => string): Said {
  const text = [get("Title"), get("Description"), get("Url")].filter(Boolean).join("\n");
  return text === "" ? { text } : { text: "", forwarded: { text } };
}
