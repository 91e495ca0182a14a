/**
 * Text for the full-text index, and questions to it. FTS5 knows no word borders in Chinese, so words are made here: a run
 * of letters or digits is one word; a run of n characters of a script that is written without spaces becomes the n - 1
 * pairs of neighbours and, so that its last character can be found alone, that character. A word of two or more such
 * characters is then a phrase of pairs, and a single one is a prefix.
 */

const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ー";
const RUNS = new RegExp(
  `[${UNSPACED}]+|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}])+|\\p{Extended_Pictographic}`,
  "gu",
);
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}]`, "u");

const MAX_TEXT_CHARS = 100_000;
const MAX_WORD_CHARS = 64;
const MAX_QUERY_CHARS = 1_000;
const MAX_QUERY_WORDS = 32;
const SNIPPET_CHARS = 200;

/** The words to index for this text, apart by spaces. Text beyond the first 100,000 characters is not indexed. */
export function indexWords(text: string): string {
  const words: string[] = [];
  for (const run of runsOf(text.slice(0, MAX_TEXT_CHARS))) {
    if (!STARTS_UNSPACED.test(run)) {
      words.push(cut(run));
      continue;
    }
    const characters = [...run];
    for (let i = 0; i < characters.length; i++) words.push(`${characters[i]}${characters[i + 1] ?? ""}`);
  }
  return words.join(" ");
}

/** What a query looks for, in the order in which it was written. */
export interface Question {
  words: string[];
}

/** Any text is a valid query; one without a letter, digit or pictograph has no words and finds nothing. */
export function parseQuery(query: string): Question {
  const words = runsOf(query.slice(0, MAX_QUERY_CHARS)).flatMap((run) =>
    STARTS_UNSPACED.test(run) ? segment(run) : [cut(run)],
  );
  return { words: [...new Set(words)].slice(0, MAX_QUERY_WORDS) };
}

/** `all` words must be there, or `any` of them. */
export type MatchMode = "all" | "any";

/** The MATCH expression, in which every word is quoted. A single character is too common to be found by itself in `any`. */
export function matchExpression({ words }: Question, mode: MatchMode): string {
  if (mode === "all") return words.map(matchWord).join(" AND ");
  const telling = words.filter((word) => [...word].length > 1);
  return (telling.length > 0 ? telling : words).map(matchWord).join(" OR ");
}

function matchWord(word: string): string {
  if (STARTS_UNSPACED.test(word)) {
    const characters = [...word];
    if (characters.length === 1) return `"${word}" *`;
    const pairs = characters.slice(1).map((character, i) => `${characters[i]}${character}`);
    return `"${pairs.join(" ")}"`;
  }
  // The beginning of a longer word counts, the whole word counts twice.
  return [...word].length === 1 ? `"${word}"` : `("${word}" OR "${word}" *)`;
}

function runsOf(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().match(RUNS) ?? [];
}

let segmenter: Intl.Segmenter | undefined;

/** The words of a run without spaces, so that they need not stand side by side to be found. */
function segment(run: string): string[] {
  segmenter ??= new Intl.Segmenter("zh", { granularity: "word" });
  return [...segmenter.segment(run)].map((part) => part.segment);
}

function cut(word: string): string {
  return [...word].slice(0, MAX_WORD_CHARS).join("");
}

/** The first place in `text` where a word of the question stands, as one line of at most 200 characters. */
export function snippet(text: string, { words }: Question): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= SNIPPET_CHARS) return line;
  const haystack = line.toLowerCase();
  const places = words.map((word) => haystack.indexOf(word)).filter((place) => place >= 0);
  const place = places.length > 0 ? Math.min(...places) : 0;
  const room = SNIPPET_CHARS - 2; // for the two ellipses
  const start = Math.max(0, Math.min(place - Math.floor(room / 4), line.length - room));
  const end = Math.min(line.length, start + room);
  const middle = line.slice(start, end).toWellFormed().replace(/^�|�$/g, "");
  return `${start > 0 ? "…" : ""}${middle.trim()}${end < line.length ? "…" : ""}`;
}
