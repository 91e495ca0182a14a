/**
 * The candidate that `word` was most likely meant to be, or null when none is close. Close is `maxEdits`: letters added,
 * left out, exchanged or swapped with their neighbour; capitals do not count. Default: a third of the word, 1 at least.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  maxEdits = Math.max(1, Math.floor(word.length / 3)),
): string | null {
  let best: string | null = null;
  let bestEdits = maxEdits + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestEdits) continue;
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** Optimal string alignment distance: Levenshtein's with the swap of two neighbours as one edit. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchange = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min((row[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, exchange);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
