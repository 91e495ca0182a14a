/**
 * The text cut to at most `maxChars` UTF-16 units, with a mark at the cut that says so. Never leaves half of a surrogate
 * pair behind. `maxChars` has room for the mark.
 */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const mark = `\n[cut here: ${text.length} characters in all]`;
  return headOf(text, Math.max(0, maxChars - mark.length)) + mark;
}

/** The first `maxChars` UTF-16 units, one fewer where that would split a surrogate pair. */
export function headOf(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? maxChars - 1 : maxChars);
}
