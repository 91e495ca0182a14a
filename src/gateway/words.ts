import { toAppError } from "../lib/errors.ts";
import type { Language } from "./language.ts";

/** What a run's end is told with. */
export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** Hermes's own words in a chat, in Markdown. */
export interface Words {
  help(commands: readonly { name: string; usage: string; description: string }[]): string;
  newSession: string;
  stopped(runs: number): string;
  nothingRuns: string;
  /** Below what there is of an answer that was stopped. */
  stoppedMark: string;
  status(facts: StatusFacts): string;
  modelIs(model: string, isChosenHere: boolean): string;
  modelNow(model: string): string;
  modelBack(model: string): string;
  whoami(facts: WhoFacts): string;
  undone(text: string): string;
  nothingToUndo: string;
  nothingToRetry: string;
  stillBusy: string;
  approvalAsked(question: string, details: string): string;
  approve: string;
  deny: string;
  approved: string;
  denied: string;
  nothingToApprove: string;
  unknownCommand(name: string, near: string | undefined): string;
  pairingCode(code: string, command: string): string;
  paired(name: string): string;
  letIn: string;
  pairingWrong: string;
  notYours: string;
  failed(failure: Failure): string;
  fileLeftOut(name: string, why: string): string;
  working(tool: string): string;
}

/** What `/status` tells. */
export interface StatusFacts {
  model: string;
  session: string;
  messages: number;
  running: number;
  queued: number;
}

/** What `/whoami` tells. */
export interface WhoFacts {
  platform: string;
  user: string;
  chat: string;
  thread: string | undefined;
  bot: string | null;
  /** What to write into the configuration. */
  settings: string;
}

const EN: Words = {
  help: (commands) =>
    [
      "**Commands**",
      ...commands.map(({ usage, description }) => `- \`${usage}\` ${description}`),
      "",
      "Everything else you write goes to the agent.",
    ].join("\n"),
  newSession: "A new conversation begins. The one before stays in the history.",
  stopped: (runs) => (runs === 1 ? "Stopped." : `Stopped ${runs} answers.`),
  nothingRuns: "Nothing is running.",
  stoppedMark: "⏹ stopped",
  status: ({ model, session, messages, running, queued }) =>
    [
      `**Model** ${code(model)}`,
      `**Conversation** ${code(session)}, ${messages} messages`,
      running + queued === 0 ? "Nothing is running." : `${running} running, ${queued} waiting`,
    ].join("\n"),
  modelIs: (model, isChosenHere) =>
    `The model here is ${code(model)}${isChosenHere ? ", chosen in this chat" : ""}. Change it with \`/model provider/model\`, go back with \`/model default\`.`,
  modelNow: (model) => `From now on this chat uses ${code(model)}.`,
  modelBack: (model) => `This chat uses the configured model again: ${code(model)}.`,
  whoami: ({ platform, user, chat, thread, bot, settings }) =>
    [
      `**Platform** ${platform}`,
      `**Your id** ${code(user)}`,
      `**Chat** ${code(chat)}${thread === undefined ? "" : `, thread ${code(thread)}`}`,
      ...(bot === null ? [] : [`**Bot** ${bot}`]),
      `\nIn \`config.yaml\`:\n${fence(settings)}`,
    ].join("\n"),
  undone: (text) => `Taken back: ${quote(text)}`,
  nothingToUndo: "There is nothing to take back.",
  nothingToRetry: "There is nothing to try again.",
  stillBusy: "An answer is still being made. Use `/stop` first.",
  approvalAsked: (question, details) =>
    `**${question}**\n\n${fence(details)}\n\nAnswer with \`/approve\` or \`/deny\`.`,
  approve: "Approve",
  deny: "Deny",
  approved: "✅ approved",
  denied: "❌ denied",
  nothingToApprove: "Nothing waits for your approval.",
  unknownCommand: (name, near) =>
    `There is no command ${code(`/${name}`)}.${near === undefined ? "" : ` Did you mean ${code(`/${near}`)}?`} \`/help\` lists them all.`,
  pairingCode: (given, command) =>
    `I do not know you yet. Your code is **${given}**, for one hour.\n\nWhoever runs this bot lets you in with:\n${fence(command)}`,
  paired: (name) => `${name} may write to this bot now.`,
  letIn: "You were let in: you may write to me now.",
  pairingWrong: "This code is wrong or has expired.",
  notYours: "This is not yours to decide, or it is decided already.",
  failed: ({ code: name, message, hint }) => `⚠️ ${message}${hint ? `\n${hint}` : ""}\n(${code(name)})`,
  fileLeftOut: (name, why) => `⚠️ ${code(name)} could not be sent: ${why}`,
  working: (tool) => `⚙️ ${code(tool)} …`,
};

/** Errors whose English message would tell a Chinese reader too little. */
const CHINESE_ERRORS: Readonly<Record<string, string>> = {
  unknown_model: "没有可用的模型，或模型名称有误。",
  model_refused: "模型服务商拒绝了请求。",
  model_bad_answer: "模型服务商的回答无法使用。",
  model_endless: "模型服务商的回答没有尽头。",
  model_unreachable: "无法连接模型服务商。",
  model_rate_limited: "模型服务商限制了请求频率，请稍后再试。",
  model_timeout: "模型服务商没有及时回答。",
  budget_exceeded: "本次回答的预算已用完。",
  overloaded: "当前请求过多，请稍后再试。",
  attachment_refused: "附件无法使用。",
  invalid_request: "请求无效。",
  store_unavailable: "存储不可用。",
  internal: "Hermes 内部出错。",
};

const ZH: Words = {
  help: (commands) =>
    [
      "**命令**",
      ...commands.map(({ usage, description }) => `- \`${usage}\` ${description}`),
      "",
      "其余内容都会交给智能体。",
    ].join("\n"),
  newSession: "已开始新对话，之前的对话保留在历史中。",
  stopped: (runs) => (runs === 1 ? "已停止。" : `已停止 ${runs} 个回答。`),
  nothingRuns: "没有正在进行的回答。",
  stoppedMark: "⏹ 已停止",
  status: ({ model, session, messages, running, queued }) =>
    [
      `**模型** ${code(model)}`,
      `**对话** ${code(session)}，共 ${messages} 条消息`,
      running + queued === 0 ? "没有正在进行的回答。" : `进行中 ${running} 个，等待 ${queued} 个`,
    ].join("\n"),
  modelIs: (model, isChosenHere) =>
    `此处的模型是 ${code(model)}${isChosenHere ? "（在本会话中选定）" : ""}。用 \`/model provider/model\` 更换，用 \`/model default\` 恢复。`,
  modelNow: (model) => `本会话从现在起使用 ${code(model)}。`,
  modelBack: (model) => `本会话恢复使用配置的模型：${code(model)}。`,
  whoami: ({ platform, user, chat, thread, bot, settings }) =>
    [
      `**平台** ${platform}`,
      `**你的 ID** ${code(user)}`,
      `**会话** ${code(chat)}${thread === undefined ? "" : `，话题 ${code(thread)}`}`,
      ...(bot === null ? [] : [`**机器人** ${bot}`]),
      `\n写入 \`config.yaml\`：\n${fence(settings)}`,
    ].join("\n"),
  undone: (text) => `已撤回：${quote(text)}`,
  nothingToUndo: "没有可撤回的内容。",
  nothingToRetry: "没有可重试的内容。",
  stillBusy: "仍在回答中，请先用 `/stop` 停止。",
  approvalAsked: (question, details) =>
    `**${question}**\n\n${fence(details)}\n\n请用 \`/approve\` 批准或用 \`/deny\` 拒绝。`,
  approve: "批准",
  deny: "拒绝",
  approved: "✅ 已批准",
  denied: "❌ 已拒绝",
  nothingToApprove: "没有等待你批准的操作。",
  unknownCommand: (name, near) =>
    `没有命令 ${code(`/${name}`)}。${near === undefined ? "" : `是否想用 ${code(`/${near}`)}？`}\`/help\` 列出全部命令。`,
  pairingCode: (given, command) =>
    `我还不认识你。你的配对码是 **${given}**，一小时内有效。\n\n机器人的管理者用以下命令放行：\n${fence(command)}`,
  paired: (name) => `${name} 现在可以与本机器人对话。`,
  letIn: "你已获准，现在可以与我对话了。",
  pairingWrong: "配对码有误或已过期。",
  notYours: "这不由你决定，或已有结论。",
  failed: ({ code: name, message }) => `⚠️ ${CHINESE_ERRORS[name] ?? message}\n（${code(name)}）`,
  fileLeftOut: (name, why) => `⚠️ ${code(name)} 未能发送：${why}`,
  working: (tool) => `⚙️ ${code(tool)} …`,
};

/** Hermes's own words in a language. */
export function wordsIn(language: Language): Words {
  return language === "zh" ? ZH : EN;
}

/** An error as it may be told in a chat. */
export function failureOf(error: unknown): Failure {
  const { code, message, hint } = toAppError(error);
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** Text that somebody else wrote as code: with the longest fence that it holds no run of. */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const mark = "`".repeat(longest + 1);
  return longest === 0 ? `${mark}${text}${mark}` : `${mark} ${text} ${mark}`;
}

function fence(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}\n${text}\n${mark}`;
}

const QUOTED_CHARS = 200;

function quote(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, " ").trim()];
  const shown = characters.slice(0, QUOTED_CHARS).join("");
  return code(characters.length > QUOTED_CHARS ? `${shown}…` : shown);
}
