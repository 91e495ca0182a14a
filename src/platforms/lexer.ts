import { Hooks, Lexer, type MarkedToken, type Token, Tokenizer, type Tokens } from "marked";
import { CJK_PUNCTUATION, cjkMask, withCjkEmphasis } from "./cjk-emphasis.ts";

/** Quotes and lists within one another beyond this are text: marked recurses, and nobody reads them. */
const MAX_NESTED_BLOCKS = 8;
/** So many items that begin in one line: lists are text then, marked takes long to undo them. */
const DEEP_LIST = /^(?:[ >]*(?:[-*+]|\d{1,9}[.)])[ \t]){16}/m;
/** Marks within one another beyond this are text. */
const MAX_NESTED_MARKS = 12;
/** A paragraph with more signs that may begin a mark is text: pairing them takes quadratic time. */
const MAX_MARK_SIGNS = 400;

/** A line and the line of dashes below it. */
const TABLE_HEAD = /^[^\n]+\n {0,3}(?=[^\n]*-)(?=[^\n]*\|)[|: -]+(?=\n|$)/;

const URL_END = new RegExp(CJK_PUNCTUATION, "u");
const BREAK_TAG = /^<br\s*\/?>/i;
const MARK_SIGN = /\*+|_+|~+|\[|`+|!/g;

/**
 * The blocks of a text in GitHub's Markdown, read by marked. Other than there: HTML is text but for `<br>`; indented text is
 * no code and underlined text no heading, which models never mean; definitions of links stay text, so that no part of an answer
 * depends on another; marks work beside Chinese punctuation. Throws what marked throws.
 */
export function lex(markdown: string): MarkedToken[] {
  const tokenizer = createTokenizer();
  const emStrongMask = cjkMask(markdown);
  const hooks = emStrongMask ? Object.assign(new Hooks(), { emStrongMask }) : null;
  const lexer = new Lexer({ gfm: true, tokenizer, hooks });
  const { block, inline } = tokenizer.rules;
  tokenizer.rules.block = { ...block, paragraph: paragraphRule(block) };
  tokenizer.rules.inline = withCjkEmphasis(inline);
  if (DEEP_LIST.test(markdown)) tokenizer.list = () => undefined;
  boundDepth(lexer, tokenizer);
  // The union has a member for extensions, of which there are none here.
  return lexer.lex(markdown) as MarkedToken[];
}

let paragraph: RegExp | undefined;

/** marked's own rule looks at the whole rest of a text for a table, at every line: here it looks at two lines. */
function paragraphRule(block: Tokenizer["rules"]["block"]): RegExp {
  paragraph ??= new RegExp(block.paragraph.source.replace(inner(block.table), () => inner(TABLE_HEAD)));
  return paragraph;
}

/** A pattern to stand within another one. */
function inner(pattern: RegExp): string {
  return pattern.source.replace(/^\^/, "");
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
  // By its type a tag is HTML; the lexer takes any token.
  Object.assign(tokenizer, { tag: breakTag });
  const { table, url } = tokenizer;
  tokenizer.table = (src) => (beginsTable(src) ? table.call(tokenizer, src) : undefined);
  tokenizer.url = (src) => {
    const link = url.call(tokenizer, src);
    const end = link?.raw.search(URL_END) ?? -1;
    return end > 0 ? url.call(tokenizer, src.slice(0, end)) : link;
  };
  return tokenizer;
}

function breakTag(src: string): Tokens.Br | undefined {
  const found = BREAK_TAG.exec(src);
  return found ? { type: "br", raw: found[0] } : undefined;
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
