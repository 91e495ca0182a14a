import { AppError, toAppError } from "../../lib/errors.ts";
import { derivedId } from "../../lib/ids.ts";
import type { Run } from "../../store/records.ts";
import { failureOf, type Words } from "../words.ts";
import { type CommandCall, type CommandParts, openRuns } from "./command-call.ts";
import { sessionKeyOf } from "./place.ts";

/** `/new`: ends what runs and begins another session. */
export async function startAnew(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  await cancelAll(await openRuns(call, parts), parts);
  const sessionId = derivedId("ses", call.delivery.source, call.delivery.id);
  await parts.store.chats.save(call.place.chatKey, { ...call.chat, sessionId });
  return words.newSession;
}

/** `/stop`: ends what runs and what waits. */
export async function stop(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  const open = await openRuns(call, parts);
  await cancelAll(open, parts);
  return open.length === 0 ? words.nothingRuns : words.stopped(open.length);
}

/** `/status`: the model, the session, and what runs in it. */
export async function status(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  const session = await parts.store.sessions.get(sessionKeyOf(call.place, call.sessionId));
  const open = await openRuns(call, parts);
  const running = open.filter((run) => run.status === "running").length;
  return words.status({
    model: modelHere(call, parts),
    session: call.sessionId,
    messages: session?.messageCount ?? 0,
    running,
    queued: open.length - running,
  });
}

/** `/model`: shows the model, chooses one for the chat, or goes back to the configured one. */
export async function model(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  const { rest, chat, place } = call;
  if (rest === "") return words.modelIs(modelHere(call, parts), chat.model !== null);
  if (rest === "default") {
    await parts.store.chats.save(place.chatKey, { ...chat, model: null });
    return words.modelBack(modelHere({ ...call, chat: { ...chat, model: null } }, parts));
  }
  try {
    const { info } = parts.models.resolve(rest);
    await parts.store.chats.save(place.chatKey, { ...chat, model: info.ref });
    return words.modelNow(info.ref);
  } catch (error) {
    return words.failed(failureOf(error));
  }
}

/** `/retry`: the last turn once more. */
export async function retry(call: CommandCall, _parts: CommandParts, words: Words): Promise<string | null> {
  try {
    await call.retry();
    return null;
  } catch (error) {
    return withoutTurn(error, words, words.nothingToRetry);
  }
}

/** `/undo`: takes the last turn back. */
export async function undo(call: CommandCall, { store }: CommandParts, words: Words): Promise<string> {
  try {
    const text = await store.sessions.undo(sessionKeyOf(call.place, call.sessionId), call.delivery);
    return text === null ? words.nothingToUndo : words.undone(text);
  } catch (error) {
    return withoutTurn(error, words, words.nothingToUndo);
  }
}

/** All at once, as thousands may wait; from the youngest on, so that none of them is started in between. */
async function cancelAll(runs: readonly Run[], { agent }: CommandParts): Promise<void> {
  await Promise.all(runs.toReversed().map(({ id }) => agent.cancel(id)));
}

function modelHere({ chat, place }: Pick<CommandCall, "chat" | "place">, { models }: CommandParts): string {
  try {
    return chat.model ?? place.voice.model ?? models.defaultRef();
  } catch (error) {
    return toAppError(error).message;
  }
}

/** What to say where a turn was to be taken back. Throws what has nothing to do with that. */
function withoutTurn(error: unknown, words: Words, nothing: string): string {
  if (!(error instanceof AppError)) throw error;
  if (error.code === "conflict") return words.stillBusy;
  if (error.code === "not_found") return nothing;
  throw error;
}
