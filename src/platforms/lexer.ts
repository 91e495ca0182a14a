import { Hooks, Lexer, type MarkedToken, type Token, Tokenizer } from "marked";

/** Quotes and lists within one another beyond this are text: marked recurses, and nobody reads them. */
const MAX_NESTED_BLOCKS = 8;
/** So many items that begin in one line: lists are text then, marked takes long to undo them. */
const DEEP_LIST = /^(?:[ >]*(?:[-*+]|\d{1,9}[.)])[ \t]){16}/m;
/** Marks within one another beyond this are text. */
const MAX_NESTED_MARKS = 12;
/** A paragraph with more signs that may begin a mark is text: pairing them takes quadratic time. */
const MAX_MARK_SIGNS = 400;

const CJK_PUNCTUATION =
  "[\\u3001-\\u303F\\uFF01-\\uFF0F\\uFF1A-\\uFF20\\uFF3B-\\uFF40\\uFF5B-\\uFF65“”‘’…—·]";
const CJK_LETTER = "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}]";
const CJK = `(?:${CJK_PUNCTUATION}|${CJK_LETTER})`;
const PUNCTUATION = "(?!~)[\\p{P}\\p{S}]";

/** A line and the line of dashes below it. */
const TABLE_HEAD = /^[^\n]+\n {0,3}(?=[^\n]*-)(?=[^\n]*\|)[|: -]+(?=\n|$)/;

/** Languages without spaces: there CommonMark finds no end of `**注意：**请`. */
const HAS_CJK_MARKS = new RegExp(`[*~]${CJK}|${CJK}[*~]`, "u");
const URL_END = new RegExp(CJK_PUNCTUATION, "u");
const BREAK_TAG = /^<br\s*\/?>/i;
const MARK_SIGN = /\*+|_+|~+|\[|`+/g;

/** What may open a mark: like marked's own, but Chinese punctuation counts as a letter after the sign, ... */
const OPENS_EM = new RegExp(
  `^(?:\\*+(?:((?!\\*)(?!${CJK_PUNCTUATION})${PUNCTUATION})|([^\\s*]))?)|^_+(?:((?!_)${PUNCTUATION})|([^\\s_]))?`,
  "u",
);
const OPENS_DEL = new RegExp(`^~~?(?:((?!~)(?!${CJK_PUNCTUATION})[\\p{P}\\p{S}])|[^\\s~])`, "u");
/** ... and a Chinese letter before it as a space. */
const BEFORE_OPENING = new RegExp(`^((?![*_])(?:[\\s\\p{P}\\p{S}]|${CJK_LETTER}))`, "u");
/** What would keep a sign beside it from closing a mark, in a text without spaces. */
const SPOILS_CLOSING = new RegExp(
  `${CJK_PUNCTUATION}(?:(?=[*~])|(?<=[*~].))|(?![*_~])[\\p{P}\\p{S}](?:(?=[*~]+${CJK})|(?<=${CJK}[*~]+.))`,
  "gsu",
);

/**
 * The blocks of a text in GitHub's Markdown, read by marked. Other than there: HTML is text but for `<br>`; indented text is
 * no code and underlined text no heading, which models never mean; definitions of links stay text, so that no part of an answer
 * depends on another; marks work beside Chinese punctuation. Throws what marked throws.
 */
export function lex(markdown: string): MarkedToken[] {
  const tokenizer = createTokenizer();
  const hooks = HAS_CJK_MARKS.test(markdown) ? new Hooks() : null;
  if (hooks)
    hooks.emStrongMask = (masked) => masked.replace(SPOILS_CLOSING, (sign) => "字".repeat(sign.length));
  const lexer = new Lexer({ gfm: true, tokenizer, hooks });
  const { block, inline } = tokenizer.rules;
  tokenizer.rules.block = { ...block, paragraph: paragraphRule(block) };
  tokenizer.rules.inline = {
    ...inline,
    emStrongLDelim: OPENS_EM,
    delLDelim: OPENS_DEL,
    punctuation: BEFORE_OPENING,
  };
  if (DEEP_LIST.test(markdown)) tokenizer.list = () => undefined;
  boundDepth(lexer, tokenizer);
  // The union has a member for extensions, of which there are none here.
  return lexer.lex(markdown) as MarkedToken[];
}

let paragraph: RegExp | undefined;

/** marked's own rule looks at the whole rest of a text for a table, at every line: here it looks at two lines. */
function paragraphRule(block: Tokenizer["rules"]["block"]): RegExp {
  const table = block.table.source.replace(/^\^/, "");
  paragraph ??= new RegExp(block.paragraph.source.replace(table, () => TABLE_HEAD.source.slice(1)));
  return paragraph;
}

/** Whether a table begins here: as many cells in the line as columns below it. */
function beginsTable(src: string): boolean {
  const [head, columns] = TABLE_HEAD.exec(src)?.[0].split("\n") ?? [];
  return head !== undefined && columns !== undefined && cellCount(head) === cellCount(columns);
}

function cellCount(line: string): number {
  return line
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .split(/(?<!\\)\|/).length;
}

function createTokenizer(): Tokenizer {
  const tokenizer = new Tokenizer();
  const nothing = () => undefined;
  tokenizer.code = nothing;
  tokenizer.lheading = nothing;
  tokenizer.def = nothing;
  tokenizer.html = nothing;
  // marked does the same with every kind of token: the type in its union is all it looks at.
  const tag = (src: string) => {
    const found = BREAK_TAG.exec(src);
    return found ? { type: "br" as const, raw: found[0] } : undefined;
  };
  Object.assign(tokenizer, { tag });
  const { table, url } = tokenizer;
  tokenizer.table = (src) => (beginsTable(src) ? table.call(tokenizer, src) : undefined);
  tokenizer.url = (src) => {
    const link = url.call(tokenizer, src);
    const end = link?.raw.search(URL_END) ?? -1;
    return end > 0 ? url.call(tokenizer, src.slice(0, end)) : link;
  };
  return tokenizer;
}

/** Takes what is nested too deep, or crowded with signs, for plain text. */
function boundDepth(lexer: Lexer, tokenizer: Tokenizer): void {
  const inlineTokens = lexer.inlineTokens.bind(lexer);
  const blockquote = tokenizer.blockquote.bind(tokenizer);
  const list = tokenizer.list.bind(tokenizer);
  let blocks = 0;
  let marks = 0;
  const nested = <T>(read: (src: string) => T | undefined, src: string): T | undefined => {
    if (blocks >= MAX_NESTED_BLOCKS) return undefined;
    blocks += 1;
    try {
      return read(src);
    } finally {
      blocks -= 1;
    }
  };
  tokenizer.blockquote = (src) => nested(blockquote, src);
  tokenizer.list = (src) => nested(list, src);
  lexer.inlineTokens = (src, tokens = []) => {
    if (marks >= MAX_NESTED_MARKS || (marks === 0 && isCrowded(src))) return asText(src, tokens);
    marks += 1;
    try {
      return inlineTokens(src, tokens);
    } finally {
      marks -= 1;
    }
  };
}

function isCrowded(text: string): boolean {
  return text.length > MAX_MARK_SIGNS && (text.match(MARK_SIGN)?.length ?? 0) > MAX_MARK_SIGNS;
}

function asText(text: string, tokens: Token[]): Token[] {
  tokens.push({ type: "text", raw: text, text });
  return tokens;
}
