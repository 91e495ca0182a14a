import { type Account, accountLabel } from "../../config/accounts.ts";
import { derivedId } from "../../lib/ids.ts";
import type { InboundMessage } from "../../platforms/contract.ts";
import type { DeliveryTarget } from "../../store/records.ts";
import { type Caller, ID_PATTERN, sessionKey, sessionOwner } from "../../tools/contract.ts";
import { type Language, languageOf } from "../language.ts";
import { chatSettings } from "./chat-settings.ts";

/** What the configuration says of a chat: the account's settings, or the chat's own where it has some. */
export interface Voice {
  tools?: readonly string[];
  model?: string;
  prompt?: string;
  /** In which the model shall answer; without it: as it likes. */
  answerIn?: Language;
}

/** Somebody in a chat: whom the agent speaks with, in which session, and where its answers go. */
export interface Place {
  /** Names the pair of chat and person in the store. */
  chatKey: string;
  caller: Caller;
  /** The session that the chat has by nature, until `/new` gives it another. */
  sessionId: string;
  target: DeliveryTarget;
  scope: InboundMessage["scope"];
  language: Language;
  voice: Voice;
}

const SESSION_ID = new RegExp(ID_PATTERN);
const THREAD_MARK = "--";

/**
 * Where a message stands. In groups each person has a session of their own; and a name space of their own in each group, unless
 * the configuration says otherwise: all members read what is said there, so what a person said elsewhere is out of reach. Ids of the platform reach keys only encoded, so
 * that none of them can stand for a part of another key. A chat that has got another id (`formerIds`: those before) keeps its
 * settings and its sessions. `home`: the language of who shows none.
 */
export function placeOf(
  account: Account,
  message: InboundMessage,
  formerIds: readonly string[] = [],
  home?: Language,
): Place {
  const { address, scope, sender } = message;
  const label = accountLabel(account);
  const { chats, tools, model, prompt } = account.settings;
  const own = chatSettings(chats, [address.chat, ...formerIds]);
  const firstId = formerIds.at(-1) ?? address.chat;
  const isApart = scope === "group" && !own.private_memory;
  const language = own.language ?? account.settings.language;
  const voice = {
    tools: own.tools ?? tools,
    model: own.model ?? model,
    prompt: own.prompt ?? prompt,
    answerIn: language === "auto" ? undefined : language,
  };
  return {
    chatKey: `${chatPrefix(label, address.chat)}${encode(address.thread ?? "")}/${encode(sender.id)}`,
    caller: {
      door: "gateway",
      principal: `${label}:${encode(sender.id)}${isApart ? `@${encode(firstId)}` : ""}`,
      scopes: ["read", "chat", "tools"],
      ...(voice.tools === undefined ? {} : { tools: voice.tools }),
    },
    sessionId: sessionIdFor(firstId, address.thread),
    target: {
      platform: account.platform,
      account: account.name,
      ...address,
      ...(scope === "group" && message.messageId !== undefined ? { replyTo: message.messageId } : {}),
    },
    scope,
    language: languageOf(language, message, home),
    voice: present(voice),
  };
}

/** What the keys of everybody in a chat begin with. */
export function chatPrefix(label: string, chat: string): string {
  return `${label}/${encode(chat)}/`;
}

/** The key of a session of this person. */
export function sessionKeyOf({ caller }: Place, sessionId: string): string {
  return sessionKey(sessionOwner(caller), sessionId);
}

/** Readable where it can be: `hermes sessions list` shows it. No chat is named like a thread of another. */
function sessionIdFor(chat: string, thread: string | undefined): string {
  const plain = thread === undefined ? chat : `${chat}${THREAD_MARK}${thread.replaceAll(".", "_")}`;
  const isPlain = SESSION_ID.test(plain) && !chat.includes(THREAD_MARK);
  return isPlain ? plain : derivedId("chat", chat, thread ?? "");
}

function encode(id: string): string {
  return encodeURIComponent(id);
}

function present<T extends object>(value: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
}
