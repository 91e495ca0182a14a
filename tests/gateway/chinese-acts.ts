import type { InboundMessage } from "../../src/platforms/contract.ts";
import { parseMessage as dingtalkMessage } from "../../src/platforms/dingtalk/parse.ts";
import {
  parseMessage as feishuMessage,
  parsePress as feishuPress,
} from "../../src/platforms/feishu/parse.ts";
import { parseCallback as wechatCallback } from "../../src/platforms/wechat/parse.ts";
import { parseCallback as wecomCallback } from "../../src/platforms/wecom/app/parse.ts";
import {
  parseMessage as wecomMessage,
  parsePress as wecomPress,
} from "../../src/platforms/wecom/bot/parse.ts";
import { type Act, IDS, nameOf, nextAct, type Place, textOf, type What, type Who } from "./acts.ts";

const FEISHU_CHATS: Record<Place, string> = { direct: "oc_d", allowed: "oc_5", other: "oc_6" };

/** Who is named for their message: Feishu tells names besides. */
const named = (message: InboundMessage, who: Who): InboundMessage => ({
  ...message,
  sender: { ...message.sender, name: nameOf(who) },
});

export const feishu: Act = (who, place, what) => {
  const chat = FEISHU_CHATS[place];
  const header = { event_id: `e${nextAct()}` };
  if (what === "button" && who !== "bot") {
    const value = { hermes: "y:apr_1", scope: place === "direct" ? "direct" : "group" };
    const event = { operator: { open_id: IDS[who] }, action: { value }, context: { open_chat_id: chat } };
    const press = feishuPress({ header, event });
    return press && named(press, who);
  }
  if (what === "native command" || (what === "forward" && place !== "direct")) return null;
  const isMentioned = place !== "direct" && what !== "silent message";
  const text = `${isMentioned ? "@_user_1 " : ""}${textOf(what)}`;
  const image = [{ tag: "img", image_key: "img_1" }];
  const contents: Partial<Record<What, [type: string, content: object]>> = {
    file: ["post", { content: [[{ tag: "text", text }], image] }],
    forward: ["merge_forward", { content: "Merged and Forwarded Message" }],
  };
  const [type, content] = contents[what] ?? ["text", { text }];
  const received = feishuMessage(
    {
      header,
      event: {
        sender: { sender_id: { open_id: IDS[who] }, sender_type: who === "bot" ? "app" : "user" },
        message: {
          message_id: `om_${nextAct()}`,
          chat_id: chat,
          chat_type: place === "direct" ? "p2p" : "group",
          message_type: type,
          content: JSON.stringify(content),
          ...(isMentioned
            ? { mentions: [{ key: "@_user_1", id: { open_id: "ou_bot" }, name: nameOf(who) }] }
            : {}),
          ...(what === "reply" ? { parent_id: "om_earlier", root_id: "om_earlier" } : {}),
        },
      },
    },
    "ou_bot",
  );
  return received && named(received.message, who);
};

export const dingtalk: Act = (who, place, what) => {
  // DingTalk brings no messages of other robots.
  if (who === "bot" || what === "native command" || (what === "forward" && place !== "direct")) return null;
  const said = what === "button" ? "Approve ⟨hermes:y:apr_1⟩" : textOf(what);
  const repliedMsg = { msgType: "text", content: { text: "earlier" }, senderId: "bot" };
  const contents: Partial<Record<What, object>> = {
    file: {
      msgtype: "richText",
      content: { richText: [{ text: said }, { downloadCode: "c", type: "picture" }] },
    },
    forward: {
      msgtype: "chatRecord",
      content: { chatRecord: JSON.stringify([{ senderNick: "x", msgType: "text", content: "see" }]) },
    },
    reply: { msgtype: "text", text: { content: said, isReplyMsg: true, repliedMsg } },
  };
  const parsed = dingtalkMessage({
    msgId: `msg${nextAct()}`,
    chatbotUserId: "bot",
    senderStaffId: IDS[who],
    senderNick: nameOf(who),
    conversationId: { direct: `direct${IDS[who]}`, allowed: "cid5", other: "cid6" }[place],
    ...(place === "direct"
      ? { conversationType: "1" }
      : { conversationType: "2", isInAtList: what !== "silent message" }),
    ...(contents[what] ?? { msgtype: "text", text: { content: said } }),
  });
  return parsed?.message ?? null;
};

export const wecom: Act = (who, place, what) => {
  if (place !== "direct" && what === "silent message") return null;
  if (who === "bot" || what === "native command" || what === "forward") return null;
  const text = { content: `${place === "direct" ? "" : "@bot "}${textOf(what)}` };
  const image = { url: "https://example.com/a", aeskey: "k" };
  const mixed = {
    msg_item: [
      { msgtype: "text", text },
      { msgtype: "image", image },
    ],
  };
  const head = {
    msgid: `m${nextAct()}`,
    from: { userid: IDS[who] },
    ...(place === "direct"
      ? { chattype: "single" }
      : { chattype: "group", chatid: place === "allowed" ? "g5" : "g6" }),
  };
  if (what === "button") {
    const event = { eventtype: "template_card_event", template_card_event: { event_key: "y:apr_1" } };
    const press = wecomPress({ ...head, event });
    return press && named(press, who);
  }
  const said = wecomMessage(
    {
      ...head,
      ...(what === "file" ? { msgtype: "mixed", mixed } : { msgtype: "text", text }),
      ...(what === "reply" ? { quote: { msgtype: "text", text: { content: "earlier" } } } : {}),
    },
    "",
  );
  if (said === null) return null;
  const files = said.files.map(({ kind }) => ({ kind, ref: "r" }));
  return named({ ...said.message, ...(files.length === 0 ? {} : { files }) }, who);
};

/** The fields with which WeCom's applications and WeChat's accounts are called, which know direct chats alone. */
function fieldsOf(who: Who, place: Place, what: What): Map<string, string> | null {
  if (who === "bot" || place !== "direct" || what === "reply" || what === "native command") return null;
  const contents: Partial<Record<What, Record<string, string>>> = {
    file: { MsgType: "image", MediaId: "media", PicUrl: "" },
    forward: { MsgType: "link", Title: "see", Url: "https://example.com" },
    button: { MsgType: "event", Event: "template_card_event", EventKey: "y:apr_1" },
  };
  return new Map(
    Object.entries({
      ToUserName: "us",
      FromUserName: IDS[who],
      CreateTime: String(nextAct()),
      MsgId: String(nextAct()),
      ...(contents[what] ?? { MsgType: "text", Content: textOf(what) }),
    }),
  );
}

export const wecomApp: Act = (who, place, what) => {
  const fields = fieldsOf(who, place, what);
  const message = fields && wecomCallback(fields, { corpId: "us", agentId: "1" });
  return message && named(message, who);
};

export const wechat: Act = (who, place, what) => {
  const fields = fieldsOf(who, place, what);
  const message = fields && wechatCallback(fields).message;
  return message ? named(message, who) : null;
};
