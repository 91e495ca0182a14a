import type { Json, StoredMessage, Writing } from "./contract.ts";
import type { App } from "./open-platform.ts";
import type { Workspace } from "./workspace.ts";

/** How the bot is named where it is mentioned. */
const BOT_PLACEHOLDER = "@_user_1";

/** Keeps what somebody writes, as a message of the chat. */
export function keepWriting(writing: Writing, app: App, workspace: Workspace): StoredMessage {
  const { user = "ou_user", text = "", mention = false, parent, thread, mentions = [] } = writing;
  const { chat = `oc_p2p_${user.slice(3)}`, content: [type, content] = ["text", { text }] as const } =
    writing;
  const bot = {
    key: BOT_PLACEHOLDER,
    id: { open_id: app.botOpenId },
    name: app.botName,
    mentioned_type: "bot",
  };
  const said = mention && type === "text" ? { text: `${BOT_PLACEHOLDER} ${text}` } : content;
  const root = thread ?? (parent === undefined ? undefined : (workspace.find(parent).root ?? parent));
  const place = {
    ...(root === undefined ? {} : { root, parent: parent ?? root }),
    ...(thread === undefined ? {} : { thread: `omt_${thread.slice(3)}` }),
  };
  return workspace.add({
    chat,
    ...place,
    type,
    content: said,
    isFromBot: false,
    sender: user,
    mentions: [...(mention ? [bot] : []), ...mentions],
  });
}

/** `im.message.receive_v1`. */
export function messageEvent(
  message: StoredMessage,
  app: App,
  workspace: Workspace,
  senderType = "user",
): Json {
  const { id, root, parent, thread, chat, type, content, mentions, createdAtMs, sender } = message;
  return envelope("im.message.receive_v1", app, {
    sender: {
      sender_id: { open_id: sender, user_id: "e33", union_id: "on_1" },
      sender_type: senderType,
      tenant_key: "t",
    },
    message: {
      message_id: id,
      root_id: root,
      parent_id: parent,
      thread_id: thread,
      create_time: String(createdAtMs),
      chat_id: chat,
      chat_type: workspace.isGroup(chat) ? "group" : "p2p",
      message_type: type,
      content: JSON.stringify(content),
      ...(mentions.length === 0 ? {} : { mentions }),
    },
  });
}

/** `card.action.trigger`. */
export function pressEvent(message: StoredMessage, value: Json, user: string, app: App): Json {
  return envelope("card.action.trigger", app, {
    operator: { tenant_key: "t", user_id: "e33", open_id: user, union_id: "on_1" },
    token: "c-fake",
    action: { value, tag: "button", timezone: "Asia/Shanghai" },
    host: "im_message",
    context: { open_message_id: message.id, open_chat_id: message.chat },
  });
}

let count = 0;

/** An event in the form since 2020. */
export function envelope(type: string, app: Pick<App, "id">, event: Json, token?: string): Json {
  return {
    schema: "2.0",
    header: {
      event_id: `f7984f25108f8137722bb63c${String(++count).padStart(8, "0")}`,
      event_type: type,
      create_time: String(Date.now()),
      token: token ?? "",
      app_id: app.id,
      tenant_key: "t",
    },
    event,
  };
}
