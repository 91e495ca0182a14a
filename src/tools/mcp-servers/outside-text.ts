import { headOf } from "../text.ts";
import { removeTemplateTokens } from "../untrusted.ts";

/** Characters that a person does not see: joiners, marks of direction, tags, private use, halves of pairs. */
const INVISIBLE = /[\p{Cf}\p{Co}\p{Cs}]/gu;

/**
 * A text of an outside server as one short line of plain text: nothing invisible, no line breaks, no control tokens of chat
 * templates. For what stands outside of an untrusted block, such as the description of a tool.
 */
export function oneLine(text: string, maxChars: number): string {
  const visible = headOf(text, maxChars * 8).replace(INVISIBLE, "");
  const line = removeTemplateTokens(visible.replace(/[\s\p{Cc}]+/gu, " ").trim());
  return line.length <= maxChars ? line : `${headOf(line, maxChars - 1)}…`;
}
