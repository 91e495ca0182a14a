import { newId } from "../lib/ids.ts";

/**
 * Control tokens of chat templates, with which a text could pretend to be another speaker: `<|im_start|>` and its kind
 * (also with the full-width bars of DeepSeek), Llama's and Mistral's brackets, Gemma's turns, sentence marks.
 */
const TEMPLATE_TOKENS =
  /<[|｜][^|｜<>[\]\n]{1,60}[|｜]>|\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<<\/?SYS>>|<\/?s>|<(?:start|end)_of_turn>|<[be]os>|<\/?(?:tool_call|tool_response|think)>/gi;

/** Our own marks, and whatever a model could take for one. */
const BLOCK_MARKS = /<<[^\n]{0,60}?trusted[^\n>]*>*/gi;

/**
 * What stands in for them. Something must, or the pieces around it could close up to a new token; and no token may span it,
 * so that one pass is enough for any nesting: the brackets see to that for tokens, the line break for marks.
 */
const REMOVED = "[removed]";
const REMOVED_MARK = "[removed]\n";

/** The text without the control tokens of chat templates. Doing it twice changes nothing more. */
export function removeTemplateTokens(text: string): string {
  return text.replace(TEMPLATE_TOKENS, REMOVED);
}

/**
 * Puts text from outside (a web page, a file, a webhook) between marks that only this block has, so that the model can tell
 * data from what it was told. Chat-template tokens and look-alikes of the marks are taken out of it. `source` names where it
 * came from.
 */
export function wrapUntrusted(text: string, source: string): string {
  const mark = newId("").slice(-12); // random, so that the text cannot know how its block ends
  const body = cleanUntrusted(text);
  const name = cleanUntrusted(source).replace(/["<>\p{Cc}]/gu, " ");
  return `<<<untrusted ${mark} source="${name}">>>\n${body}\n<<<end untrusted ${mark}>>>`;
}

/**
 * The text as it stands between the marks: without chat-template tokens and look-alikes of the marks. For text that is cut into
 * parts before it is wrapped, so that no cut hides one. Doing it twice changes nothing more.
 */
export function cleanUntrusted(text: string): string {
  return removeTemplateTokens(text).replace(BLOCK_MARKS, REMOVED_MARK);
}
