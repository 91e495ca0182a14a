const UNREADABLE = "script, style, noscript, template, svg, iframe, object";
const BLOCKS =
  "title, p, div, section, article, header, footer, main, aside, nav, li, ul, ol, dl, dt, dd, tr, table, h1, h2, h3, h4, h5, h6, blockquote, pre, br, hr, form, figure";

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

/**
 * The readable text of an HTML page: no scripts, no mark-up, a line per block. Streams, so that it takes pages that are too
 * large or too deep to be built as a tree.
 */
export function htmlToText(html: string): string {
  const pieces: string[] = [];
  let hidden = 0;
  new HTMLRewriter()
    .on(UNREADABLE, {
      element(element) {
        if (element.selfClosing) return;
        hidden += 1;
        element.onEndTag(() => {
          hidden -= 1;
        });
      },
    })
    .on(BLOCKS, {
      element(element) {
        pieces.push("\n");
        if (element.canHaveContent)
          element.onEndTag(() => {
            pieces.push("\n");
          });
      },
    })
    .onDocument({
      text(chunk) {
        if (hidden === 0) pieces.push(chunk.text);
      },
    })
    .transform(html);
  return tidy(decodeEntities(pieces.join("")));
}

/** Numbers and the few names that text is full of; other names stay as they are written. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function tidy(text: string): string {
  return text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
