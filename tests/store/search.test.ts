import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { indexWords, parseQuery, snippet } from "../../src/store/search.ts";
import { newRun, openTempStore, userMessage } from "../support/store.ts";

/** Text, the queries that find it, and those that do not. */
const TABLE: { text: string; found: string[]; missed: string[] }[] = [
  {
    text: "今天的天气怎么样",
    found: ["天气", "今天", "天", "样", "今", "怎么样", "今天天气", "天气怎么样", "今天的天气怎么样"],
    missed: ["明天", "雨", "下雨"],
  },
  {
    text: "我们用 Docker 部署了 Hermes服务器，端口 18791。",
    found: [
      "docker",
      "DOCKER 部署",
      "服务",
      "hermes",
      "herm",
      "18791",
      "187",
      "部署 端口",
      "务器",
      "Hermes服务器",
    ],
    missed: ["ocker", "8791", "浏览器"],
  },
  {
    text: "Schöne Grüße aus Köln, naïve café — ΑΘΗΝΑ",
    found: ["grüße", "KÖLN", "café", "αθηνα", "Scho\u0308ne"],
    missed: ["grusse", "cafe"],
  },
  {
    text: "snake_case, kebab-case, foo.bar(baz) and user@example.com",
    found: ["snake", "case", "kebab-case", "foo.bar", "user@example.com", "baz"],
    missed: ["nake", "qux"],
  },
  { text: "コーヒーをのみます", found: ["コーヒー", "のみ", "ー"], missed: ["コヒ"] },
  { text: "안녕하세요 여러분", found: ["안녕", "여러분"], missed: ["녕하"] },
  { text: "ＦＵＬＬ ｗｉｄｔｈ １２３", found: ["full", "width", "123"], missed: ["fullwidth"] },
  { text: "party 🎉 tonight", found: ["🎉", "party 🎉"], missed: ["🎂"] },
  { text: "𠮷野家で会う", found: ["𠮷野", "𠮷", "野家"], missed: ["吉野"] },
  { text: "NOT OR AND NEAR", found: ["NOT", "and", "near", "NOT OR"], missed: ["xor"] },
];

const ODD = [
  ..."\"'()*:^-+{}[].,;?!~`|&%$#@<>/\\=",
  "",
  " ",
  '""',
  '"unclosed',
  "AND",
  "a AND",
  "NEAR(a b, 2)",
  "words:a",
  "^a",
  "a*",
  "-a",
  "🎉🎉🎉",
  "👨‍👩‍👧",
  "\0",
  "a\0b",
  "\ud800",
  "\udc00a",
  "天\ud800气",
  "' OR 1=1 --",
  "x".repeat(100_000),
  "天".repeat(100_000),
  "a ".repeat(50_000),
  "\u0301",
  "\u200b\ufeff",
];

async function storeWith(...texts: string[]) {
  const temp = await openTempStore();
  for (const text of texts) await temp.store.runs.accept(newRun({ message: userMessage(text) }));
  const find = async (query: string) =>
    (await temp.store.sessions.search(query, { limit: 1_000 })).items.map((hit) => hit.message.parts[0]);
  return { find, store: temp.store, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

describe("search", () => {
  for (const { text, found, missed } of TABLE)
    test(`finds the words of: ${text}`, async () => {
      await using temp = await storeWith(text, "something else 别的东西");
      for (const query of found)
        expect([query, await temp.find(query)]).toEqual([query, [{ type: "text", text }]]);
      for (const query of missed) expect([query, await temp.find(query)]).toEqual([query, []]);
    });

  test("takes every odd text, as a query and as a message", async () => {
    await using temp = await storeWith(...ODD.map((text) => `${text} anchor`));
    for (const query of ODD) expect(await temp.find(query)).toBeArray();
    expect(await temp.find("anchor")).toHaveLength(ODD.length - 3); // three are longer than what is indexed
    expect(await temp.store.check()).toEqual([]);
  });

  test("never fails, whatever is stored and asked", async () => {
    await using temp = await storeWith();
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(..."天气今a b\"'*()-:^_\0.🎉é"), maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (stored, query) => {
        const { run } = await temp.store.runs.accept(newRun({ message: userMessage(stored) }));
        expect((await temp.store.runs.journal(run.id)).messages[0]?.parts).toEqual([
          { type: "text", text: stored },
        ]);
        for (const hit of (await temp.store.sessions.search(query, { limit: 3 })).items)
          expect([...hit.snippet].length).toBeLessThanOrEqual(200);
        expect(await temp.store.memory.search("nobody", query, 3)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test("a run of Chinese is found by each of its parts", async () => {
    await using temp = await storeWith();
    const run = fc.string({
      unit: fc.constantFrom(..."天地玄黄宇宙洪荒日月盈昃"),
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(run, fc.nat(), fc.nat(), async (text, from, length) => {
        const start = from % text.length;
        const part = text.slice(start, start + 1 + (length % (text.length - start)));
        const { run: made } = await temp.store.runs.accept(newRun({ message: userMessage(`x ${text} y`) }));
        const { items } = await temp.store.sessions.search(part, { limit: 1_000 });
        expect(items.map((hit) => hit.message.runId)).toContain(made.id);
      }),
      { numRuns: 100 },
    );
  });
});

describe("indexWords", () => {
  test("makes pairs of unspaced characters and keeps the last one alone", () => {
    expect(indexWords("今天天气, Hello!")).toBe("今天 天天 天气 气 hello");
    expect(indexWords("  --- ")).toBe("");
  });

  test("cuts endless words", () => {
    expect(indexWords("y".repeat(5_000))).toBe("y".repeat(64));
  });
});

describe("snippet", () => {
  const around = (text: string, query: string) => snippet(text, parseQuery(query));

  test("is the text itself when it is short, on one line", () => {
    expect(around("a\n\n b\tc ", "b")).toBe("a b c");
  });

  test("shows the place of the match in a long text", () => {
    const text = `${"before ".repeat(100)}the NEEDLE here ${"after ".repeat(100)}`;
    const shown = around(text, "needle");
    expect(shown).toContain("the NEEDLE here");
    expect(shown).toStartWith("…");
    expect(shown).toEndWith("…");
    expect(shown.length).toBeLessThanOrEqual(200);
    expect(around(`天气很好。${"话".repeat(500)}`, "天气")).toStartWith("天气很好");
  });

  test("never cuts a character in two", () => {
    for (let shift = 0; shift < 4; shift++) {
      const shown = around(`${"x".repeat(shift)}${"🎉".repeat(300)} needle ${"🎂".repeat(300)}`, "needle");
      expect(shown).toContain("needle");
      expect(shown.isWellFormed()).toBe(true);
      expect(shown).not.toContain("\ufffd");
    }
  });
});
