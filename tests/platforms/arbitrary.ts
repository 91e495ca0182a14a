import fc from "fast-check";

const WORDS = [
  "今天的天气很好，",
  "我们去公园散步。",
  "你想一起来吗？",
  "太好了！",
  "注意：",
  "「引号」",
  "日本語のテキスト",
  "한국어",
  "hello world",
  "The quick brown fox. ",
  "snake_case_name ",
  "a < b && c > d ",
  "👨‍👩‍👧‍👦",
  "👩🏽‍💻",
  "🇨🇳🇩🇪",
  "❤️‍🔥",
  "e\u0301",
  "𠮷野家",
  "2*3*4 ",
  "C:\\dir\\* ",
  "<b>raw</b>",
  "<!channel>",
  "<@U012ABC>",
  "<@123456>",
  "@everyone ",
  "&amp; &#35; ",
  "https://a.example/b_c?d=1&e=2 ",
  "<br>",
  "| pipe ",
];

const word = fc.constantFrom(...WORDS);
const words = fc.array(word, { minLength: 1, maxLength: 8 }).map((all) => all.join(""));
const url = fc.constantFrom(
  "https://a.example/x_(y)",
  "http://b.example/?q=%22&r=<z>",
  "tg://user?id=1",
  "javascript:alert(1)",
  "./local.md",
);
const code = fc.constantFrom("`code`", "``a ` b``", "`<b>&amp;`", "`中文`");

const { inline } = fc.letrec<{ inline: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { depthSize: "small" },
    words,
    code,
    tie("inline").map((text) => `**${text}**`),
    tie("inline").map((text) => `*${text}*`),
    tie("inline").map((text) => `~~${text}~~`),
    fc.tuple(tie("inline"), url).map(([text, to]) => `[${text}](${to})`),
    fc.tuple(word, url).map(([text, to]) => `![${text}](${to})`),
  ),
  inline: fc.array(tie("piece"), { minLength: 1, maxLength: 3 }).map((all) => all.join("")),
}));

const line = fc.array(inline, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));
const codeLines = fc.array(
  fc.constantFrom("let a = 1;", "", "  if (x < y) {", "# 中文注释 👍🏽", "| a | b |", "> x", "- y", "``"),
  {
    minLength: 1,
    maxLength: 30,
  },
);

const fence = fc
  .tuple(fc.constantFrom("```", "````", "~~~"), fc.constantFrom("", "ts", "c++"), codeLines)
  .map(([mark, language, lines]) => [mark + language, ...lines, mark]);
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) =>
    fc.array(fc.array(fc.oneof(words, code), { minLength: columns, maxLength: columns }), {
      minLength: 1,
      maxLength: 20,
    }),
  )
  .map((rows) => {
    const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
    return [lines[0] ?? "", `|${"---|".repeat(rows[0]?.length ?? 1)}`, ...lines];
  });
const item = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom("- ", "1. ", "- [x] ", "* "), line);
const list = fc
  .array(item, { minLength: 1, maxLength: 8 })
  .map((items) => items.map(([depth, marker, text]) => "   ".repeat(depth) + marker + text));
const prefixed = (prefix: string) => (lines: string[]) => lines.map((text) => prefix + text);

const block = fc.oneof(
  fc.array(line, { minLength: 1, maxLength: 3 }),
  fc.tuple(fc.constantFrom("#", "##", "#####"), line).map(([mark, text]) => [`${mark} ${text}`]),
  fence,
  table,
  list,
  fc.constant(["---"]),
  fc.array(line, { minLength: 1, maxLength: 3 }).map(prefixed("> ")),
  fence.map(prefixed("> ")),
  fence.map((lines) => ["1. item", ...prefixed("   ")(lines)]),
);

/** Markdown as a model may write it, every fence closed. */
export const arbitraryMarkdown = fc
  .array(fc.tuple(block, fc.constantFrom("\n\n", "\n\n", "\n")), { minLength: 1, maxLength: 16 })
  .map((blocks) => blocks.map(([lines, gap]) => lines.join("\n") + gap).join(""));

/** Markdown that breaks off anywhere, and signs without a meaning. */
export const arbitraryMess = fc.oneof(
  fc.tuple(arbitraryMarkdown, fc.nat()).map(([markdown, at]) => [...markdown].slice(0, at % 600).join("")),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(..."*_~`[]()<>#|-+.!\\&:\n\n\n  \t>"),
        fc.constantFrom("```", "~~~", "**", "](", "https://", "1. ", "\r\n"),
        word,
      ),
      { maxLength: 200 },
    )
    .map((all) => all.join("")),
  fc.string({ unit: "grapheme", maxLength: 300 }),
);
