import type { Page } from "./contract.ts";

const MAX_AGE_MS = 5 * 60_000;
const PAGES_PER_OWNER = 4;
const MAX_OWNERS = 100;
/** Of all pages together, in UTF-16 units. */
const MAX_CHARS = 16_000_000;

export interface KeptPage {
  page: Page;
  /** Where it was in the end. */
  url: string;
  mediaType: string;
}

/** The last pages that each owner has read, so that the next part of a page is of the same page, and fetched only once. */
export interface PageCache {
  /** Null when there is none, or it is too old. */
  get(owner: string, url: string): KeptPage | null;
  put(owner: string, url: string, kept: KeptPage): void;
}

/** Keeps few pages for few minutes, in memory only; the oldest goes first. */
export function createPageCache(now: () => number = Date.now): PageCache {
  /** From the oldest on, which is the order of a map. */
  const entries = new Map<string, { owner: string; kept: KeptPage; at: number }>();
  const keyOf = (owner: string, url: string) => `${owner}\n${url}`;

  const dropOldest = (owner: string) => {
    const mine = [...entries].filter(([, entry]) => entry.owner === owner);
    for (const [key] of mine.slice(0, Math.max(0, mine.length - PAGES_PER_OWNER))) entries.delete(key);
    let chars = 0;
    for (const { kept } of entries.values()) chars += kept.page.content.length;
    for (const [key, { kept, at }] of entries) {
      const tooMany = chars > MAX_CHARS || entries.size > MAX_OWNERS * PAGES_PER_OWNER;
      if (!tooMany && now() - at <= MAX_AGE_MS) break;
      entries.delete(key);
      chars -= kept.page.content.length;
    }
  };

  return {
    get(owner, url) {
      const entry = entries.get(keyOf(owner, url));
      return entry && now() - entry.at <= MAX_AGE_MS ? entry.kept : null;
    },
    put(owner, url, kept) {
      const key = keyOf(owner, url);
      entries.delete(key); // so that it becomes the youngest
      entries.set(key, { owner, kept, at: now() });
      dropOldest(owner);
    },
  };
}
