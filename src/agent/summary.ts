import { AppError } from "../lib/errors.ts";
import type { ModelMessage, ResolvedModel } from "../models/contract.ts";
import { priced } from "../models/info.ts";
import type { Message, Usage } from "../store/records.ts";
import { cutText } from "../tools/text.ts";
import { wrapUntrusted } from "../tools/untrusted.ts";
import { textOf } from "./context.ts";
import { SUMMARY_PROMPT } from "./prompt.ts";
import { estimateMessages, estimateTokens } from "./tokens.ts";

const TOOL_RESULT_CHARS = 300;
const MESSAGE_CHARS = 4_000;
/** A model that finds no end is cut off here. */
const MAX_SUMMARY_CHARS = 8_000;
/** Room for thinking too; the summary itself is far shorter. */
const MAX_OUTPUT_TOKENS = 4_096;

/** What is to be summarised, and by which model. */
export interface SummaryParts {
  model: ResolvedModel;
  /** What stood for the turns before these. */
  previous: string | null;
  turns: Message[][];
  /** What the text to summarise may cost; the oldest of it goes when it is more. */
  budgetTokens: number;
  signal: AbortSignal;
}

/** Has the model put past turns into a few words. Throws what the model throws, or `model_bad_answer` for no words at all. */
export async function summarise(parts: SummaryParts): Promise<{ text: string; usage: Usage }> {
  const messages: ModelMessage[] = [
    { role: "system", text: SUMMARY_PROMPT },
    { role: "user", parts: [{ type: "text", text: wrapUntrusted(transcript(parts), "conversation") }] },
  ];
  let text = "";
  let usage: Usage | null = null;
  const request = { messages, tools: [], maxOutputTokens: MAX_OUTPUT_TOKENS };
  for await (const events of parts.model.stream(request, parts.signal)) {
    for (const event of events)
      if (event.type === "text") text += event.text;
      else if (event.type === "restart") text = "";
      else if (event.type === "end") usage = event.usage;
    if (text.length > MAX_SUMMARY_CHARS) break;
  }
  if (text.trim() === "") throw new AppError("model_bad_answer", "The model summarised nothing.");
  return { text: text.trim(), usage: usage ?? priced(estimate(messages, text), parts.model.info) };
}

function estimate(messages: ModelMessage[], text: string): Usage {
  return { inputTokens: estimateMessages(messages), outputTokens: estimateTokens(text) };
}

/** The turns as plain text, the newest of it that fits. */
function transcript({ previous, turns, budgetTokens }: SummaryParts): string {
  const head = previous === null ? [] : [`Summary of what came before:\n${previous}`];
  let left = budgetTokens - estimateTokens(head.join(""));
  const lines: string[] = [];
  for (const message of turns.flat().reverse()) {
    const line = describe(message);
    left -= estimateTokens(line) + 1;
    if (left < 0) break;
    lines.unshift(line);
  }
  return [...head, ...lines].join("\n\n");
}

function describe(message: Message): string {
  const text = textOf(message.parts);
  if (message.role === "tool") return `Tool ${message.toolName}: ${cutText(text, TOOL_RESULT_CHARS)}`;
  const calls = (message.toolCalls ?? []).map((call) => call.name);
  const used = calls.length > 0 ? ` (calls ${calls.join(", ")})` : "";
  return `${message.role === "user" ? "User" : "Assistant"}${used}: ${cutText(text, MESSAGE_CHARS)}`;
}
