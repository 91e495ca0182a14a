import type { Update } from "grammy/types";
import type { InboundEvent, InboundMessage } from "../contract.ts";
import { lineOf } from "./parse.ts";

/**
 * The updates in order, those of one album together: pictures that were sent at once are a message each, with one caption
 * among them.
 */
export function withAlbums(updates: readonly Update[]): [Update, ...Update[]][] {
  const groups: [Update, ...Update[]][] = [];
  const albums = new Map<string, Update[]>();
  for (const update of updates) {
    const album = update.message?.media_group_id;
    const key = `${lineOf(update)} ${album}`;
    const group = album === undefined ? undefined : albums.get(key);
    if (group) group.push(update);
    else {
      const first: [Update] = [update];
      groups.push(first);
      if (album !== undefined) albums.set(key, first);
    }
  }
  return groups;
}

/** The first update of the album that the updates end in, unless it is the one that was waited for. */
export function endingAlbum(updates: readonly Update[], waitedFor: string | undefined): Update | undefined {
  const album = updates.at(-1)?.message?.media_group_id;
  if (album === undefined || album === waitedFor) return undefined;
  return updates.find(({ message }) => message?.media_group_id === album);
}

/**
 * The messages of an album as one, or the only event. The id says which updates it is made of, so that a part that comes
 * later is never taken for one that was answered.
 */
export function merged(events: readonly InboundEvent[]): InboundEvent | null {
  const parts = events.filter((event): event is InboundMessage => event.type === "message");
  const [first] = parts;
  const last = parts.at(-1);
  if (!first || !last || parts.length < 2) return events[0] ?? null;
  return {
    ...first,
    id: `${first.id}-${last.id}`,
    text: parts.flatMap(({ text }) => (text === "" ? [] : [text])).join("\n"),
    isForBot: parts.some(({ isForBot }) => isForBot),
    files: parts.flatMap(({ files = [] }) => files),
  };
}
