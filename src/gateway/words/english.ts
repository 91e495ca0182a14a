import type { Words } from "./contract.ts";
import { code, fence, quote } from "./markdown.ts";

/** Hermes's own words in English. */
export const ENGLISH: Words = {
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
  withdrawn: "⏹ no longer asked",
  nothingToApprove: "Nothing waits for your approval.",
  unknownCommand: (name, near) =>
    `There is no command ${code(`/${name}`)}.${near === undefined ? "" : ` Did you mean ${code(`/${near}`)}?`} \`/help\` lists them all.`,
  pairingCode: (given, command) =>
    `I do not know you yet. Your code is **${given}**, for one hour.\n\nWhoever runs this bot lets you in with:\n${fence(command)}`,
  paired: (who) => `${quote(who)} may write to this bot now.`,
  letIn: "You were let in: you may write to me now.",
  pairingWrong: "This code is wrong or has expired.",
  notYours: "This is not yours to decide, or it is decided already.",
  failed: ({ code: name, message, hint }) => `⚠️ ${message}${hint ? `\n${hint}` : ""}\n(${code(name)})`,
  fileLeftOut: (name, { message }) => `⚠️ ${code(name)} could not be sent: ${message}`,
  working: (tool) => `⚙️ ${code(tool)} …`,
};
