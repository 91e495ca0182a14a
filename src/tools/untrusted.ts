import { newId } from "../lib/ids.ts";

/**
 * Control tokens of chat templates, with which a text could pretend to be another speaker: `<|im_start|>` and its kind
 * (also with the full-width bars of DeepSeek), Llama's and Mistral's brackets, Gemma's turns, sentence marks.
 */
const TEMPLATE_TOKENS =
  /<[|｜][^|｜<>\n]{1,60}[|｜]>|\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<<\/?SYS>>|<\/?s>|<(?:start|end)_of_turn>|<[be]os>|<\/?(?:tool_call|tool_response|think)>/gi;

/** Our own marks, and whatever a model could take for one. */
const BLOCK_MARKS = /<<<+\s*\/?\s*(?:end[\s_-]*)?(?:of[\s_-]*)?(?:un)?trusted\b[^>\n]*>*/gi;

const REMOVED = "[removed]"; // something must stand there, or the pieces around it could close up to a new token

/** The text without the control tokens of chat templates. Doing it twice changes nothing more. */
export function removeTemplateTokens(text: string): string {
  return removeAll(text, TEMPLATE_TOKENS);
}

/**
 * Puts text from outside (a web page, a file, a webhook) between marks that only this block has, so that the model can tell
 * data from what it was told. Chat-template tokens and look-alikes of the marks are taken out of it. `source` names where it
 * came from.
 */
export function wrapUntrusted(text: string, source: string): string {
  const mark = newId("").slice(-12); // random, so that the text cannot know how its block ends
  const body = removeAll(removeTemplateTokens(text), BLOCK_MARKS);
  const name = removeAll(removeTemplateTokens(source), BLOCK_MARKS).replace(/["<>\p{Cc}]/gu, " ");
  return `<<<untrusted ${mark} source="${name}">>>\n${body}\n<<<end untrusted ${mark}>>>`;
}

function removeAll(text: string, pattern: RegExp): string {
  let before: string;
  let after = text;
  do {
    before = after;
    after = before.replace(pattern, REMOVED);
  } while (after !== before);
  return after;
}
