/** A stretch of a text, from its first unit to the one after its last. */
export interface Span {
  start: number;
  end: number;
}

/** What may begin or end a span, or be one: an escape, code, a link, an address, emphasis, the end of a line. */
const SIGN =
  /\\.|`+|!?\[|\]\([^\s()]*(?:\([^\s()]*\)[^\s()]*)*(?:\s[^()\n]*)?\)|<[^<>\s]+>|https?:\/\/[^\s<>）】」』”。，；！？]+|\*+|_+|~~|\n/g;

/**
 * The stretches that would lose their meaning when they were cut: inline code, links, addresses and emphasis within a line. None
 * touches another. An approximation that takes time in proportion to the text: it may see a span too many.
 */
export function inlineSpans(text: string): Span[] {
  const spans: Span[] = [];
  const openedAt = new Map<string, number>();
  let brackets: number[] = [];
  const signs = new RegExp(SIGN);
  for (let found = signs.exec(text); found; found = signs.exec(text)) {
    const [sign] = found;
    const start = found.index;
    const end = start + sign.length;
    if (sign === "\n") {
      openedAt.clear();
      brackets = [];
    } else if (sign.endsWith("[")) brackets.push(start);
    else if (sign.startsWith("](")) spans.push({ start: brackets.pop() ?? start, end });
    else if (/^[<h]/.test(sign)) spans.push({ start, end });
    else if (!sign.startsWith("\\") && !isWithinWord(text, sign, start)) {
      const opened = openedAt.get(sign);
      if (opened === undefined) openedAt.set(sign, start);
      else {
        spans.push({ start: opened, end });
        openedAt.delete(sign);
      }
    }
  }
  return merge(spans);
}

/** As in `snake_case`. */
function isWithinWord(text: string, sign: string, at: number): boolean {
  return sign === "_" && /[a-z\d]/i.test(text.charAt(at - 1)) && /[a-z\d]/i.test(text.charAt(at + 1));
}

function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}
