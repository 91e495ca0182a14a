import { Defuddle } from "defuddle/node";
import { parseHTML } from "linkedom";
import { removeTemplateTokens } from "../untrusted.ts";
import type { Page, PageLink } from "./contract.ts";
import { htmlToText } from "./plain-text.ts";

/** Larger pages are read as a stream of text: their tree would take too much memory and time. */
const MAX_TREE_CHARS = 4 * 1024 * 1024;
const MAX_TREE_TAGS = 100_000;
/** A page of which less than this share of the prose was kept is read again, less choosily. */
const ENOUGH_PROSE = 0.5;
const MAX_LINKS = 100;
const MAX_LINK_CHARS = 2_000;
const MAX_LINK_TEXT = 120;
/** What is not prose, when it is measured how much of a page was kept. */
const NOT_PROSE =
  "title, a, nav, header, footer, aside, form, button, select, script, style, noscript, template, svg";
const NOT_WORDS = /[^\p{L}\p{N}]+/gu;

/** Nothing beyond the page itself is asked; the keeping of replies is what makes threads whole. */
const MAIN_CONTENT = { markdown: true, useAsync: false, includeReplies: true } as const;
const WHOLE_BODY = { ...MAIN_CONTENT, contentSelector: "body", standardize: false } as const;
const WITH_CLUTTER = {
  ...WHOLE_BODY,
  removeLowScoring: false,
  removePartialSelectors: false,
  removeContentPatterns: false,
} as const;

type PageDocument = ReturnType<typeof parseHTML>["document"];

/**
 * The main content of an HTML page as Markdown, with absolute links. Where too little of the page's prose would be kept, the
 * whole body is; a page that is too large, too deep or too odd for that comes as plain text.
 */
export async function readHtml(html: string, url: string): Promise<Omit<Page, "cut">> {
  const asText = () => ({ content: htmlToText(html), title: null, byline: null, published: null, links: [] });
  if (html.length > MAX_TREE_CHARS || tagsOf(html) > MAX_TREE_TAGS) return asText();
  return readTree(html, url).catch(asText); // the stack is too short for the tree, or a parser stumbles: the text is there
}

function tagsOf(html: string): number {
  let tags = 0;
  for (let at = html.indexOf("<"); at >= 0; at = html.indexOf("<", at + 1)) tags += 1;
  return tags;
}

async function readTree(html: string, url: string): Promise<Omit<Page, "cut">> {
  const page = parse(html, url);
  const links = linksOf(page, url);
  const prose = proseOf(page);
  const { title, author, published, ...main } = await Defuddle(asDocument(page), url, MAIN_CONTENT);
  let { content } = main;
  for (const less of [WHOLE_BODY, WITH_CLUTTER]) {
    if (wordCharsOf(content) >= ENOUGH_PROSE * prose) break;
    const more = await Defuddle(asDocument(parse(html, url)), url, less);
    if (more.content.length > content.length) content = more.content;
  }
  if (wordCharsOf(content) === 0 && prose > 0) content = htmlToText(html);
  const known = (text: string | null | undefined) => text?.trim() || null;
  const ownTitle = page.querySelector("title")?.textContent;
  return {
    content,
    title: known(title) ?? known(ownTitle),
    byline: known(author),
    published: known(published),
    links,
  };
}

function parse(html: string, url: string): PageDocument {
  const framed = /<(?:html|body)[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`; // else it has no body
  const { document } = parseHTML(framed);
  Object.assign(document, { URL: url });
  for (const title of document.querySelectorAll("body > title")) document.head.append(title);
  // Tables of facts, which Defuddle takes for clutter by this name.
  for (const table of document.querySelectorAll("table.infobox")) table.classList.remove("infobox");
  return document;
}

/** linkedom's document is what Defuddle takes; the compiler knows no DOM here. */
function asDocument(page: PageDocument): Parameters<typeof Defuddle>[0] {
  return page as unknown as Parameters<typeof Defuddle>[0];
}

function linksOf(page: PageDocument, url: string): PageLink[] {
  const base = URL.parse(page.querySelector("base[href]")?.getAttribute("href") ?? "", url)?.href ?? url;
  const links = new Map<string, PageLink>();
  for (const anchor of page.querySelectorAll("a[href]")) {
    const target = URL.parse(anchor.getAttribute("href") ?? "", base);
    if (!target || !/^https?:$/.test(target.protocol) || target.href.length > MAX_LINK_CHARS) continue;
    if (target.hash !== "" && target.href.split("#")[0] === url.split("#")[0]) continue; // a place of this very page
    const text = removeTemplateTokens(anchor.textContent.replace(/\s+/g, " ").trim()).slice(0, MAX_LINK_TEXT);
    if (text !== "" && !links.has(target.href)) links.set(target.href, { text, url: target.href });
    if (links.size === MAX_LINKS) break;
  }
  return [...links.values()];
}

/** How many letters and digits of the page are neither links nor what stands around the content. */
function proseOf(page: PageDocument): number {
  let chars = 0;
  const visit = (node: Node): void => {
    for (const child of node.childNodes)
      if (child.nodeType === 3) chars += wordCharsOf(child.textContent ?? "");
      else if (child.nodeType === 1 && !(child as unknown as Element).matches(NOT_PROSE))
        visit(child as unknown as Node);
  };
  visit(page.documentElement as unknown as Node);
  return chars;
}

interface Node {
  nodeType: number;
  textContent: string | null;
  childNodes: Iterable<Node>;
}

interface Element {
  matches(selector: string): boolean;
}

function wordCharsOf(text: string): number {
  return text.replace(NOT_WORDS, "").length;
}
