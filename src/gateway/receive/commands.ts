import type { Agent } from "../../agent/contract.ts";
import { AppError, toAppError } from "../../lib/errors.ts";
import { derivedId } from "../../lib/ids.ts";
import { nearest } from "../../lib/nearest.ts";
import type { ModelRouter } from "../../models/contract.ts";
import type { InboundMessage, MenuCommand } from "../../platforms/contract.ts";
import type { Store } from "../../store/contract.ts";
import type { ChatState, Run } from "../../store/records.ts";
import { type Words, wordsIn } from "../words.ts";
import { type Place, sessionKeyOf } from "./place.ts";

/** What commands work with. */
export interface CommandParts {
  store: Store;
  agent: Agent;
  models: ModelRouter;
}

/** One command that somebody wrote. What it does can be done again with the same message and changes nothing more. */
export interface CommandCall {
  name: string;
  /** What stands behind the name. */
  rest: string;
  message: InboundMessage;
  place: Place;
  chat: ChatState;
  sessionId: string;
  /** The name space and the id of the message, for what must not be done twice. */
  delivery: { source: string; id: string; fingerprint: string };
  /** The bot that was written to; null before it is known. */
  bot: string | null;
  /** True for who may let others in. */
  isListed: boolean;
  /** Has the last turn done again; its answer comes by itself. */
  retry(): Promise<void>;
}

type Handler = (call: CommandCall, parts: CommandParts, words: Words) => Promise<string | null>;

interface Command extends MenuCommand {
  usage: string;
  run: Handler;
}

const COMMANDS: readonly Command[] = [
  {
    name: "new",
    aliases: ["reset"],
    usage: "/new",
    description: { en: "begin a new conversation", zh: "开始新对话" },
    run: startAnew,
  },
  {
    name: "stop",
    usage: "/stop",
    description: { en: "stop the answer that is being made", zh: "停止正在进行的回答" },
    run: stop,
  },
  {
    name: "status",
    usage: "/status",
    description: { en: "model, conversation and what runs", zh: "模型、对话与运行情况" },
    run: status,
  },
  {
    name: "model",
    usage: "/model [name]",
    description: { en: "show or change the model of this chat", zh: "查看或更换本会话的模型" },
    run: model,
  },
  {
    name: "retry",
    usage: "/retry",
    description: { en: "answer the last message again", zh: "重新回答上一条消息" },
    run: retry,
  },
  {
    name: "undo",
    usage: "/undo",
    description: { en: "take the last message and its answer back", zh: "撤回上一条消息及其回答" },
    run: undo,
  },
  {
    name: "approve",
    usage: "/approve",
    description: { en: "allow what the agent asks for", zh: "批准智能体的请求" },
    run: (call, parts, words) => decide(true, call, parts, words),
  },
  {
    name: "deny",
    usage: "/deny [reason]",
    description: { en: "refuse what the agent asks for", zh: "拒绝智能体的请求" },
    run: (call, parts, words) => decide(false, call, parts, words),
  },
  {
    name: "whoami",
    usage: "/whoami",
    description: { en: "your id and the id of this chat", zh: "你的 ID 与本会话的 ID" },
    run: whoami,
  },
  {
    name: "pair",
    usage: "/pair CODE",
    description: { en: "let somebody in who was given a code", zh: "凭配对码放行他人" },
    run: pair,
  },
  {
    name: "help",
    usage: "/help",
    description: { en: "this list", zh: "显示本列表" },
    run: help,
  },
];

/** The commands as platforms list them. */
export const MENU: readonly MenuCommand[] = COMMANDS.map(({ name, aliases, description }) => ({
  name,
  description,
  ...(aliases === undefined ? {} : { aliases }),
}));

/** What Telegram's clients say by themselves when somebody opens the chat. */
const GREETING = { command: "start", means: "help" };

const BY_NAME = new Map(
  COMMANDS.flatMap((one) => [one.name, ...(one.aliases ?? [])].map((name) => [name, one])),
);

/** The command that a text is, or null. A path such as `/etc/hosts` is none. */
export function commandIn(text: string): { name: string; rest: string } | null {
  const found = /^\/([a-z][a-z0-9_]{0,31})(?:\s+([\s\S]*))?$/i.exec(text.trim());
  return found ? { name: (found[1] as string).toLowerCase(), rest: (found[2] ?? "").trim() } : null;
}

/** Does what the command says. The answer to it, or null where that comes by itself. */
export async function runCommand(call: CommandCall, parts: CommandParts): Promise<string | null> {
  const words = wordsIn(call.place.language);
  const command = BY_NAME.get(call.name === GREETING.command ? GREETING.means : call.name);
  if (command === undefined)
    return words.unknownCommand(call.name, nearest(call.name, [...BY_NAME.keys()]) ?? undefined);
  return command.run(call, parts, words);
}

async function startAnew(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  await cancelAll(await openRuns(call, parts), parts);
  const sessionId = derivedId("ses", call.delivery.source, call.delivery.id);
  await parts.store.chats.save(call.place.chatKey, { ...call.chat, sessionId });
  return words.newSession;
}

async function stop(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
  const open = await openRuns(call, parts);
  await cancelAll(open, parts);
  return open.length === 0 ? words.nothingRuns : words.stopped(open.length);
}

async function status(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
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

async function model(call: CommandCall, parts: CommandParts, words: Words): Promise<string> {
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

async function retry(call: CommandCall, _parts: CommandParts, words: Words): Promise<string | null> {
  try {
    await call.retry();
    return null;
  } catch (error) {
    return withoutTurn(error, words, words.nothingToRetry);
  }
}

async function undo(call: CommandCall, { store }: CommandParts, words: Words): Promise<string> {
  try {
    const text = await store.sessions.undo(sessionKeyOf(call.place, call.sessionId), call.delivery);
    return text === null ? words.nothingToUndo : words.undone(text);
  } catch (error) {
    return withoutTurn(error, words, words.nothingToUndo);
  }
}

async function decide(
  approved: boolean,
  call: CommandCall,
  parts: CommandParts,
  words: Words,
): Promise<string> {
  for (const run of await openRuns(call, parts))
    for (const { id } of await parts.agent.approvals(run.id)) {
      const isDecided = await decideOne({ runId: run.id, approvalId: id }, approved, call, parts);
      if (isDecided) return approved ? words.approved : words.denied;
    }
  return words.nothingToApprove;
}

/** False when it is decided already, or its run has ended. */
export async function decideOne(
  { runId, approvalId }: { runId: string; approvalId: string },
  approved: boolean,
  { place, rest }: Pick<CommandCall, "place" | "rest">,
  { agent }: Pick<CommandParts, "agent">,
): Promise<boolean> {
  const reason = rest === "" ? {} : { reason: rest };
  try {
    await agent.decide(runId, approvalId, { approved, by: place.caller.principal, ...reason });
    return true;
  } catch (error) {
    if (error instanceof AppError && (error.code === "conflict" || error.code === "not_found")) return false;
    throw error;
  }
}

async function whoami(
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
  });
}

async function pair(call: CommandCall, { store }: CommandParts, words: Words): Promise<string> {
  if (!call.isListed || call.place.scope !== "direct") return words.notYours;
  try {
    const { name, userId } = await store.pairings.approve(
      call.place.target.platform,
      call.rest,
      call.place.caller.principal,
    );
    return words.paired(`${name} (${userId})`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code === "locked_out" ? words.failed(failureOf(error)) : words.pairingWrong;
  }
}

async function help(_call: CommandCall, _parts: CommandParts, words: Words): Promise<string> {
  const language = words === wordsIn("zh") ? "zh" : "en";
  return words.help(
    COMMANDS.map(({ description, ...one }) => ({ ...one, description: description[language] })),
  );
}

/** The runs of the current session that have not ended, oldest first. */
function openRuns({ place, sessionId }: CommandCall, { store }: CommandParts): Promise<Run[]> {
  return store.runs.openOf(sessionKeyOf(place, sessionId));
}

/** From the youngest on, so that none of those that wait is started in between. */
async function cancelAll(runs: readonly Run[], { agent }: CommandParts): Promise<void> {
  for (const { id } of runs.toReversed()) await agent.cancel(id);
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

/** An error as it may be told in a chat. */
export function failureOf(error: unknown): { code: string; message: string; hint?: string } {
  const { code, message, hint } = toAppError(error);
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
