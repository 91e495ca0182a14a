/** Text that somebody else wrote as code: with the longest fence that it holds no run of. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const mark = "`".repeat(longest + 1);
  return longest === 0 ? `${mark}${text}${mark}` : `${mark} ${text} ${mark}`;
}

/** Text as a block of its own. */
export function fence(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}\n${text}\n${mark}`;
}

const QUOTED_CHARS = 200;

/** The beginning of a text, on one line. */
export function quote(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, " ").trim()];
  const shown = characters.slice(0, QUOTED_CHARS).join("");
  return code(characters.length > QUOTED_CHARS ? `${shown}…` : shown);
}
