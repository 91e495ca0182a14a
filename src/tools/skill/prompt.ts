import { headOf } from "../text.ts";
import { removeTemplateTokens } from "../untrusted.ts";
import type { SkillSummary } from "./contract.ts";

/** Every turn pays for it. */
export const MAX_PROMPT_CHARS = 2_000;
const MAX_LINE_CHARS = 240;
const HEAD = "Skills. When one fits the task, load it with skill_load before you begin:";

/** What the system prompt says of the skills; null when there are none. Those that do not fit are to be listed by tool. */
export function skillPrompt(skills: readonly SkillSummary[]): string | null {
  if (skills.length === 0) return null;
  const lines: string[] = [];
  let left = MAX_PROMPT_CHARS - HEAD.length - 60; // for the last line
  for (const skill of skills) {
    const line = lineOf(skill);
    left -= line.length + 1;
    if (left < 0) break;
    lines.push(line);
  }
  const hidden = skills.length - lines.length;
  const last = hidden > 0 ? [`- and ${hidden} more: skill_list finds them by words.`] : [];
  return [HEAD, ...lines, ...last].join("\n");
}

function lineOf({ name, description }: SkillSummary): string {
  const line = `- ${name}: ${removeTemplateTokens(description).replaceAll(/\s+/g, " ")}`;
  return line.length <= MAX_LINE_CHARS ? line : `${headOf(line, MAX_LINE_CHARS - 3)}...`;
}
