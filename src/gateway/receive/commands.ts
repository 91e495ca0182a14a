import { nearest } from "../../lib/nearest.ts";
import type { MenuCommand } from "../../platforms/contract.ts";
import { type Words, wordsIn } from "../words.ts";
import { pair, whoami } from "./access-commands.ts";
import { decide } from "./approval-commands.ts";
import type { Command, CommandCall, CommandParts } from "./command-call.ts";
import { model, retry, startAnew, status, stop, undo } from "./session-commands.ts";

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

/** Does what the command says. The answer to it, or null where that comes by itself. */
export async function runCommand(call: CommandCall, parts: CommandParts): Promise<string | null> {
  const words = wordsIn(call.place.language);
  const command = BY_NAME.get(call.name === GREETING.command ? GREETING.means : call.name);
  if (command === undefined)
    return words.unknownCommand(call.name, nearest(call.name, [...BY_NAME.keys()]) ?? undefined);
  return command.run(call, parts, words);
}

async function help(_call: CommandCall, _parts: CommandParts, words: Words): Promise<string> {
  const language = words === wordsIn("zh") ? "zh" : "en";
  return words.help(
    COMMANDS.map(({ description, ...one }) => ({ ...one, description: description[language] })),
  );
}
