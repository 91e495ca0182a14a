import { expect, test } from "bun:test";
import { createPageCache } from "../../../src/tools/web/page-cache.ts";

const kept = (content: string) => ({
  page: { content, title: null, byline: null, published: null, links: [], cut: false },
  url: "http://x/",
  mediaType: "text/html",
});

test("a page is kept for its owner, for five minutes", () => {
  let now = 0;
  const cache = createPageCache(() => now);
  cache.put("a", "u", kept("one"));
  now = 5 * 60_000;
  expect(cache.get("a", "u")?.page.content).toBe("one");
  expect(cache.get("b", "u")).toBeNull();
  now += 1;
  expect(cache.get("a", "u")).toBeNull();
});

test("an owner's fifth page drops the oldest of its own, and nobody else's", () => {
  const cache = createPageCache();
  cache.put("b", "u", kept("of b"));
  for (const url of ["1", "2", "3", "4", "1", "5"]) cache.put("a", url, kept(url));
  expect(["1", "2", "3", "4", "5"].filter((url) => cache.get("a", url))).toEqual(["1", "3", "4", "5"]);
  expect(cache.get("b", "u")?.page.content).toBe("of b");
});

test("all pages together stay below a limit, however many owners there are", () => {
  const cache = createPageCache();
  const owners = Array.from({ length: 40 }, (_, i) => `owner ${i}`);
  for (const owner of owners) cache.put(owner, "u", kept("x".repeat(2_000_000)));
  expect(owners.filter((owner) => cache.get(owner, "u"))).toEqual(owners.slice(-8));
  const many = Array.from({ length: 1000 }, (_, i) => `another ${i}`);
  for (const owner of many) cache.put(owner, "u", kept("x"));
  expect(many.filter((owner) => cache.get(owner, "u")).length).toBeLessThanOrEqual(400);
});
