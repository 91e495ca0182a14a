/**
 * What Telegram takes for the name of a user, as its own library finds it: signs of ASCII, with no letter, digit or `_` of any
 * script beside them. Names that are too short to be somebody's are among them, because that limit has changed.
 */
const MENTION = /(?<![\p{L}\p{N}_])@[A-Za-z0-9_]{2,32}(?![\p{L}\p{N}_])/gu;
/** Tags, references and text of HTML as `render.ts` writes it. */
const PIECE = /<(\/?)([a-z]+)[^>]*>|&(?:amp|lt|gt|quot);|[^<&]+/g;
/** Within these, Telegram looks for no names. */
const KEPT: ReadonlySet<string> = new Set(["a", "code", "pre"]);
/** What gives way to a name that is code. */
const STYLES: ReadonlySet<string> = new Set(["b", "i", "s"]);

/** A stretch of a text, in UTF-16 units. */
interface Stretch {
  start: number;
  end: number;
}

interface Tag {
  name: string;
  html: string;
}

/** A name that is to be code. */
type Name = Stretch & { tag: Tag };

/** A piece of HTML. */
interface Piece {
  html: string;
  /** What is seen of it: nothing of a tag, one sign for a reference. */
  shown: string;
  /** Where that stands in the text. */
  start: number;
  tag?: { name: string; isEnd: boolean };
}

/** The names of users in a text without marks; each of them would be called. */
export function mentionsIn(text: string): Stretch[] {
  if (!text.includes("@")) return [];
  return [...text.matchAll(MENTION)].map(({ 0: name, index }) => ({
    start: index,
    end: index + name.length,
  }));
}

/**
 * HTML with every name of a user as code, so that Telegram, which finds no names in code, calls nobody. The text stays what it
 * was, sign by sign, also where it is copied.
 */
export function callingNobody(html: string): string {
  if (!html.includes("@")) return html;
  const pieces = piecesOf(html);
  const names = namesIn(pieces);
  return names.length === 0 ? html : rewritten(pieces, names);
}

function piecesOf(html: string): Piece[] {
  let end = 0;
  return [...html.matchAll(PIECE)].map(([piece, slash, name]) => {
    const start = end;
    const shown = name !== undefined ? "" : piece.startsWith("&") ? "&" : piece;
    end += shown.length;
    return {
      html: piece,
      shown,
      start,
      ...(name === undefined ? {} : { tag: { name, isEnd: slash === "/" } }),
    };
  });
}

/** Those that Telegram would find: also where a style begins or ends within one, and not where a link or code does. */
function namesIn(pieces: readonly Piece[]): Name[] {
  const kept = keptIn(pieces);
  let next = 0;
  const isKept = ({ start, end }: Stretch) => {
    while ((kept[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    return (kept[next]?.start ?? Number.POSITIVE_INFINITY) < end;
  };
  return mentionsIn(pieces.map(({ shown }) => shown).join(""))
    .filter((name) => !isKept(name))
    .map((name) => ({ ...name, tag: { name: "code", html: "<code>" } }));
}

/** Where links and code stand, in order. */
function keptIn(pieces: readonly Piece[]): Stretch[] {
  const kept: Stretch[] = [];
  let depth = 0;
  let opened = 0;
  for (const { tag, start } of pieces) {
    if (!tag || !KEPT.has(tag.name)) continue;
    if (!tag.isEnd && depth++ === 0) opened = start;
    if (tag.isEnd && --depth === 0 && start > opened) kept.push({ start: opened, end: start });
  }
  return kept;
}

/** Styles end before a name and go on behind it; none is left around nothing. */
function rewritten(pieces: readonly Piece[], names: readonly Name[]): string {
  const within: Tag[] = [];
  let open: readonly Tag[] = [];
  let out = "";
  const put = (text: string, wanted: readonly Tag[]) => {
    const differs = open.findIndex((tag, i) => tag !== wanted[i]);
    const common = differs < 0 ? open.length : differs;
    for (const { name } of open.slice(common).toReversed()) out += `</${name}>`;
    for (const { html } of wanted.slice(common)) out += html;
    open = [...wanted];
    out += text;
  };
  for (const { html, tag, name } of cut(pieces, names)) {
    if (tag?.isEnd) within.pop();
    else if (tag) within.push({ name: tag.name, html });
    else put(html, name ? [...within.filter((one) => !STYLES.has(one.name)), name.tag] : within);
  }
  put("", []);
  return out;
}

/** The pieces, those of a name and those beside it apart. */
function* cut(pieces: readonly Piece[], names: readonly Name[]): Generator<Piece & { name?: Name }> {
  let next = 0;
  for (const piece of pieces) {
    const pieceEnd = piece.start + piece.shown.length;
    if (piece.shown !== piece.html) {
      yield piece;
      continue;
    }
    for (let start = piece.start; start < pieceEnd; ) {
      const { [next]: name } = names;
      const isName = name !== undefined && name.start <= start;
      const end = Math.min(pieceEnd, (isName ? name.end : name?.start) ?? pieceEnd);
      const html = piece.shown.slice(start - piece.start, end - piece.start);
      yield { html, shown: html, start, ...(isName ? { name } : {}) };
      if (isName && end === name.end) next += 1;
      start = end;
    }
  }
}
