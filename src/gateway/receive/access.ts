import type { Account } from "../../config/accounts.ts";
import type { InboundMessage } from "../../platforms/contract.ts";
import { chatSettings } from "./chat-settings.ts";
import { commandIn } from "./command-call.ts";

/** What becomes of a message: the agent gets it, its sender gets a code to be let in with, or nobody gets anything. */
export type Access = "answer" | "pair" | "ignore";

type Settings = Account["settings"];

/**
 * Who may speak with the bot. Denies by default, compares whole ids only, and takes nobody for another because of a name. In a
 * group that is not allowed, people who are listed by their ids may ask for its id and nothing else.
 * `isPaired` is asked for direct chats alone: whoever was let in by a code gains nothing in groups. `formerIds`: those that the
 * group had before its platform gave it another.
 */
export async function accessOf(
  settings: Settings,
  message: InboundMessage,
  isPaired: () => Promise<boolean>,
  formerIds: readonly string[] = [],
): Promise<Access> {
  const { sender, scope } = message;
  if (sender.id === "") return "ignore";
  const isListed = listed(settings.allowed_users, sender.id);
  if (scope === "group") {
    const mayAnswer = isAllowedGroup(settings, message, formerIds)
      ? concernsBot(settings, message, formerIds)
      : asksForIds(message) && isNamed(settings, sender.id);
    return isListed && mayAnswer ? "answer" : "ignore";
  }
  if (isListed || (await isPaired())) return "answer";
  return settings.pairing && message.button === undefined ? "pair" : "ignore";
}

/** True for who is in the configuration and not only let in by a code. */
export function isListedUser({ allowed_users }: Settings, senderId: string): boolean {
  return senderId !== "" && listed(allowed_users, senderId);
}

function isAllowedGroup(
  settings: Settings,
  { address, spaces = [] }: InboundMessage,
  formerIds: readonly string[],
): boolean {
  const places = [address.chat, ...formerIds, ...spaces];
  const hasOneOf = (ids: readonly string[]) => places.some((place) => listed(ids, place));
  if (hasOneOf(settings.allowed_groups)) return true;
  if (!("allowed_guilds" in settings)) return false;
  const { allowed_guilds, allowed_channels } = settings;
  if (allowed_channels.length > 0 && !hasOneOf(allowed_channels)) return false;
  if (allowed_guilds.length > 0) return hasOneOf(allowed_guilds);
  return allowed_channels.length > 0;
}

/** Listed, and not only as one of all: wherever anybody can add the bot, anybody could make it speak. */
function isNamed({ allowed_users }: Settings, senderId: string): boolean {
  return allowed_users.some((one) => String(one) === senderId);
}

/** The ids of a group that is not allowed have to be known before it can be. */
function asksForIds({ text, isForBot, button, files = [] }: InboundMessage): boolean {
  return isForBot && button === undefined && files.length === 0 && commandIn(text)?.name === "whoami";
}

function concernsBot(
  { chats, require_mention }: Settings,
  { address, isForBot }: InboundMessage,
  formerIds: readonly string[],
): boolean {
  const own = chatSettings(chats, [address.chat, ...formerIds]);
  return isForBot || !(own.require_mention ?? require_mention);
}

function listed(ids: readonly (string | number)[], id: string): boolean {
  return ids.some((one) => one === "*" || String(one) === id);
}
