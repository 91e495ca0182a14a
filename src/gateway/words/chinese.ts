import type { Failure, Words } from "./contract.ts";
import { code, fence, quote } from "./markdown.ts";

/** What went wrong and what can be done about it, by the code of the error. */
const ERRORS: Readonly<Record<string, { message: string; hint: string }>> = {
  unknown_model: {
    message: "没有可用的模型，或模型名称有误。",
    hint: "用 `/model` 查看或更换模型。",
  },
  model_refused: {
    message: "模型服务商拒绝了请求。",
    hint: "请换个说法或更换模型；管理者可检查密钥。",
  },
  model_bad_answer: { message: "模型服务商的回答无法使用。", hint: "请重试，或更换模型。" },
  model_endless: { message: "模型服务商的回答没有尽头。", hint: "请一次少问一些，或更换模型。" },
  model_unreachable: {
    message: "无法连接模型服务商。",
    hint: "请稍后再试；管理者可检查网络和 `base_url`。",
  },
  model_rate_limited: { message: "模型服务商限制了请求频率。", hint: "请稍后再试，或更换模型。" },
  model_timeout: { message: "模型服务商没有及时回答。", hint: "请重试，或更换模型。" },
  budget_exceeded: {
    message: "本次回答的预算已用完。",
    hint: "请一次少问一些；管理者可提高 `agent` 下的上限。",
  },
  rate_limited: { message: "你还有太多消息在等待回答。", hint: "请等待回答，或用 `/stop` 结束等待。" },
  overloaded: { message: "当前请求过多。", hint: "请稍后再试。" },
  attachment_refused: { message: "附件无法使用。", hint: "请改发其他文件，或减少文件的大小和数量。" },
  invalid_request: { message: "请求无效。", hint: "请缩短或修改消息后再试。" },
  locked_out: { message: "输错的次数过多。", hint: "请一小时后再试。" },
  store_unavailable: { message: "存储不可用。", hint: "请稍后再试；管理者可检查磁盘空间。" },
  internal: { message: "Hermes 内部出错。", hint: "请重试；管理者可查看日志。" },
};

/** Why a file was not sent, by the code of the error. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  forbidden: "这里不能读取该文件。",
  not_found: "没有这个文件。",
  bad_request: "它太大，或者不是文件。",
  conflict: "它正在被修改，请重试。",
};

/** The platform's own words stand behind, as they came: only they say what it is that it does not take. */
function whyLeftOut({ code: name, message }: Failure): string {
  if (name === "refused") return `平台拒绝了它（${quote(message)}）。`;
  return (Object.hasOwn(LEFT_OUT, name) ? LEFT_OUT[name] : undefined) ?? "Hermes 无法读取它。";
}

/** Hermes's own words in Chinese. */
export const CHINESE: Words = {
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
  withdrawn: "⏹ 已不再询问",
  nothingToApprove: "没有等待你批准的操作。",
  unknownCommand: (name, near) =>
    `没有命令 ${code(`/${name}`)}。${near === undefined ? "" : `是否想用 ${code(`/${near}`)}？`}\`/help\` 列出全部命令。`,
  pairingCode: (given, command) =>
    `我还不认识你。你的配对码是 **${given}**，一小时内有效。\n\n机器人的管理者用以下命令放行：\n${fence(command)}`,
  paired: (who) => `${quote(who)} 现在可以与本机器人对话。`,
  letIn: "你已获准，现在可以与我对话了。",
  pairingWrong: "配对码有误或已过期。",
  notYours: "这不由你决定，或已有结论。",
  failed: (failure) => {
    const { message, hint } = Object.hasOwn(ERRORS, failure.code)
      ? (ERRORS[failure.code] ?? failure)
      : failure;
    return `⚠️ ${message}${hint ? `\n${hint}` : ""}\n（${code(failure.code)}）`;
  },
  fileLeftOut: (name, why) => `⚠️ ${code(name)} 未能发送：${whyLeftOut(why)}`,
  working: (tool) => `⚙️ ${code(tool)} …`,
};
