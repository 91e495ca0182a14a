import type { TurnRequest } from "../../agent/contract.ts";
import type { Account } from "../../config/accounts.ts";
import type { InboundMessage } from "../../platforms/contract.ts";
import type { ChatState } from "../../store/records.ts";
import { cleanUntrusted, wrapUntrusted } from "../../tools/untrusted.ts";
import type { Place } from "./place.ts";

/** What a turn is made from. */
interface Asked {
  account: Account;
  message: InboundMessage;
  place: Place;
  chat: ChatState;
  sessionId: string;
}

/** A message from a chat as the agent takes it. */
export function turnOf(
  asked: Asked,
  { canSendFiles }: { canSendFiles(account: Account, place: Place): boolean },
): TurnRequest {
  const { account, message, place, chat, sessionId } = asked;
  const model = chat.model ?? place.voice.model;
  const files = (message.files ?? []).map((file) => ({
    ...file,
    platform: account.platform,
    account: account.name,
  }));
  return {
    kind: "chat",
    caller: place.caller,
    sessionId,
    text: textOf(message),
    instructions: instructionsFor(asked, canSendFiles(account, place)),
    ...(model === undefined ? {} : { model }),
    ...(files.length === 0 ? {} : { files }),
  };
}

/** What was said, below what it replies to and what it passes on. That may be a stranger's: it is data. */
function textOf({ text, quoted, forwarded }: InboundMessage): string {
  const parts = [
    quoted &&
      blockOf(
        quoted.text,
        quoted.isFromBot ? "your own message, which this replies to" : "the message that this replies to",
      ),
    forwarded && blockOf(forwarded.text, `a message forwarded from ${forwarded.from ?? "somewhere else"}`),
    text,
  ];
  return parts.filter((part) => part).join("\n\n");
}

function blockOf(text: string, source: string): string {
  return text.trim() === "" ? "" : wrapUntrusted(text, source);
}

const LANGUAGES = { en: "English", zh: "Chinese" } as const;

function instructionsFor({ account, message, place }: Asked, canSendFiles: boolean): string {
  const { prompt, answerIn } = place.voice;
  // As JSON: a name is whatever its owner likes.
  const name = JSON.stringify(cleanUntrusted(message.sender.name.slice(0, 64)));
  const lines = [
    prompt,
    `You speak with ${name} in ${place.scope === "direct" ? "a direct chat" : "a group"} on ${account.platform}. Markdown is shown.`,
    answerIn === undefined ? undefined : `Answer in ${LANGUAGES[answerIn]}.`,
    place.scope === "group" ? "When there is nothing to say, answer NO_REPLY alone." : undefined,
    canSendFiles ? "To send a file, write a line of its own: MEDIA: followed by its path." : undefined,
  ];
  return lines.filter((line) => line !== undefined).join("\n");
}
