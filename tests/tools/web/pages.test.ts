import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { html, openWebTools, PAGES, type Site, startSite, unwrapped } from "../../support/web.ts";

setDefaultTimeout(60_000); // processes start slowly on a busy machine

interface Expected {
  type?: string;
  /** Of the bytes, when not UTF-8. */
  encode?: (text: string) => Uint8Array<ArrayBuffer>;
  title: string;
  byline?: string;
  published?: string;
  has: readonly string[];
  hasNot: readonly string[];
}

/** Never may a page leak any of these. */
const NEVER = ["SCRIPT_LEAK", "STYLE_LEAK", "COMMENT_LEAK", "NOSCRIPT_LEAK", "脚本泄露"];

/** Page by page: what of it a reader needs, and what stands only around it. `{site}` is the server. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  "article-en.html": {
    title: "How harbour pilots read the tide",
    byline: "Mara Lindqvist",
    published: "2026-03-14T09:30:00Z",
    has: [
      "ARTICLE_START",
      "[tide pole]({site}/glossary/tide-pole.html)",
      "![A painted tide pole at low water]({site}/dir/img/pole.jpg)",
      "## What the wind does",
      "**thirty centimetres**",
      "> QUOTED",
      "- LIST_ONE [Atlas of tides](https://tides.example/atlas)",
      "ARTICLE_END",
    ],
    hasNot: ["COOKIE_BANNER", "NAV_NEWS", "SIDEBAR_MOST_READ", "FOOTER_COPYRIGHT", "Accept all"],
  },
  "article-zh.html": {
    type: "text/html",
    encode: gbk,
    title: "引水员如何看潮汐_港口日报",
    byline: "林海",
    published: "2026-03-14",
    has: ["正文开头", "[潮尺]({site}/wiki/%E6%BD%AE%E5%B0%BA)", "## 风的作用", "正文结尾"],
    hasNot: ["导航首页", "相关推荐", "版权所有"],
  },
  "docs.html": {
    title: "Queue.push() - Lantern 4 documentation",
    has: [
      "```ts\npush<T>(item: T, options?: PushOptions): boolean\n// keeps   three spaces & a tab",
      "    return queue.push(item);",
      "| `priority` | number | 0 |",
      "number \\| null",
      "ClosedError",
      "[Queue.pop()]({site}/dir/pop.html)",
      "[the specification](http://cdn.example/spec)",
      "```python\ndef push(item):\n    return True\n```",
    ],
    hasNot: ["SIDE_Channel", "FOOTER"],
  },
  "forum.html": {
    title: "Pump loses prime overnight - Boat Owners Forum",
    has: ["POST_ONE", "> By the morning there is only air", "POST_TWO", "POST_THREE", "oskar"],
    hasNot: ["FOOTER_FORUM"],
  },
  "product.html": {
    title: "Brass ship's clock, 15 cm",
    has: ["€ 129.00", "Solid brass case", "| Weight | 1.2 kg |", "![Brass clock with a white dial]"],
    hasNot: ["NAV_ROPES", "FOOTER_SHOP"],
  },
  "broken.html": {
    title: "Broken & <b>odd",
    has: [
      "BROKEN_ONE",
      "BROKEN_TWO",
      "你好",
      "[link without quotes]({site}/dir/no-quotes.html)",
      "cell two",
      "BROKEN_THREE",
    ],
    hasNot: ["var x"],
  },
  "huge-nav.html": {
    title: "Opening hours of the lighthouse",
    has: ["REAL_CONTENT", "second warden"],
    hasNot: ["MENU_ITEM", "SITEMAP"],
  },
  "wiki.html": {
    title: "Fresnel lens - Open Encyclopaedia",
    has: [
      "| Inventor | Augustin-Jean Fresnel |",
      "**Fresnel lens**",
      "| First | 920 |",
      "## References",
      "*Lighthouse lenses*",
    ],
    hasNot: ["NAV_MAIN", "FOOTER_WIKI", "EDIT_LINK"],
  },
  "front-page.html": {
    title: "Today's stories",
    has: [
      "[STORY_ONE A compiler in 500 lines](https://one.example/a)",
      "STORY_TWO",
      "[31 comments]({site}/dir/item?id=3)",
    ],
    hasNot: [],
  },
  "short-note.html": { title: "Note", has: ["The key is under the third stone."], hasNot: [] },
  "changelog.xhtml": {
    type: "application/xhtml+xml",
    title: "Changes in 2.0",
    has: ["XHTML_FIRST", "1. First change", "NESTED detail"],
    hasNot: ["CDATA"],
  },
  "unmarked.html": {
    title: "No frame at all",
    has: ["## Second heading", "FRAMELESS_ONE", "FRAMELESS_TWO"],
    hasNot: [],
  },
};
/** This one is there to hold nothing. */
const EMPTY = "app-shell.html";

let site: Site;
beforeAll(() => {
  const answers = Object.entries<Expected | undefined>({ ...EXPECTED, [EMPTY]: undefined }).map(
    ([name, expected]) => {
      const text = readFileSync(join(PAGES, name), "utf8");
      return [`/dir/${name}`, () => html(expected?.encode?.(text) ?? text, expected?.type)] as const;
    },
  );
  site = startSite(Object.fromEntries(answers));
});
afterAll(() => site[Symbol.asyncDispose]());

/** The text in GB 18030, made with the decoder: there is no encoder at hand. */
function gbk(text: string): Uint8Array<ArrayBuffer> {
  const decoder = new TextDecoder("gbk");
  const bytesOf = new Map<string, readonly number[]>();
  for (let high = 0x81; high <= 0xfe; high++)
    for (let low = 0x40; low <= 0xfe; low++)
      bytesOf.set(decoder.decode(new Uint8Array([high, low])), [high, low]);
  return new Uint8Array(
    [...text].flatMap((char) => (char < "\x80" ? [char.charCodeAt(0)] : (bytesOf.get(char) ?? [0x3f]))),
  );
}

test("every page of the folder is expected here", () => {
  expect(readdirSync(PAGES).sort()).toEqual([...Object.keys(EXPECTED), EMPTY].sort());
});

for (const [name, expected] of Object.entries(EXPECTED))
  test(`${name} is read whole and without what stands around it`, async () => {
    const read = await openWebTools().extract(site.url(`/dir/${name}`));
    const text = unwrapped(read.text).replaceAll("\\_", "_");
    const origin = new URL(site.url("/")).origin;
    for (const marker of expected.has) expect(text).toContain(marker.replace("{site}", origin));
    for (const marker of [...expected.hasNot, ...NEVER]) expect(text).not.toContain(marker);
    for (const [, target] of text.matchAll(/\]\(([^)\s]*)/g)) expect(target).toMatch(/^(https?:\/\/|#)/);
    expect(read.data).toMatchObject({
      title: expected.title,
      byline: expected.byline ?? null,
      url: site.url(`/dir/${name}`),
      next_offset: null,
      truncated: false,
    });
    if (expected.published) expect(read.data.published).toBe(expected.published);
    expect(read.data.links.length).toBeLessThanOrEqual(100);
    for (const { url } of read.data.links) expect(url).toMatch(/^https?:\/\//);
  });

test("a page that only a browser could fill says so", async () => {
  const read = await openWebTools().extract(site.url(`/dir/${EMPTY}`));
  expect(read).toMatchObject({ isError: true, text: expect.stringContaining("may need JavaScript") });
});
