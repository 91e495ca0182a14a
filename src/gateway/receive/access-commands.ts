import { AppError } from "../../lib/errors.ts";
import { pairingNotice } from "../pairing-notice.ts";
import { failureOf, type Words } from "../words.ts";
import type { CommandCall, CommandParts } from "./command-call.ts";
import { sampleSettings } from "./sample-settings.ts";

/** `/whoami`: the ids by which the configuration names a person and a chat, and what to write there. */
export async function whoami(
  { message, place, bot }: CommandCall,
  _parts: CommandParts,
  words: Words,
): Promise<string> {
  return words.whoami({
    platform: place.target.platform,
    user: message.sender.id,
    chat: message.address.chat,
    thread: message.address.thread,
    bot,
    settings: sampleSettings(message, place.target),
  });
}

/** `/pair CODE`: lets in whoever was given this code. */
export async function pair(call: CommandCall, { store }: CommandParts, words: Words): Promise<string> {
  if (!call.isListed || call.place.scope !== "direct") return words.notYours;
  try {
    const { name, userId } = await store.pairings.approve(
      call.place.target.platform,
      call.rest,
      call.place.caller.principal,
      pairingNotice,
    );
    return words.paired(`${name} (${userId})`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code === "locked_out" ? words.failed(failureOf(error)) : words.pairingWrong;
  }
}
