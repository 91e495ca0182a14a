import type { Update } from "grammy/types";
import type { InboundEvent, InboundMessage } from "../contract.ts";
import { lineOf } from "./parse.ts";

/** Updates of an album that were taken as one message. */
export interface TakenAlbum {
  album: string;
  updates: number[];
}

/** One poll brings at most 100 updates, and none before the first that is not confirmed. */
const MAX_TAKEN = 100;

/** What was saved of the albums that were taken; nothing where it is not that. */
export function readTaken(state: unknown): TakenAlbum[] {
  const { albums } = (state ?? {}) as { albums?: unknown };
  return Array.isArray(albums) ? (albums as TakenAlbum[]) : []; // written by this file alone
}

/** The albums with this one, and without those that cannot come again. */
export function withTaken(taken: readonly TakenAlbum[], updates: readonly Update[]): TakenAlbum[] {
  const album = updates[0]?.message?.media_group_id;
  if (album === undefined || takenWith(taken, updates[0] as Update) !== undefined) return [...taken];
  return [...taken, { album, updates: updates.map(({ update_id: id }) => id) }].slice(-MAX_TAKEN);
}

function takenWith(taken: readonly TakenAlbum[], { update_id: id, message }: Update): number | undefined {
  return taken.find(({ album, updates }) => album === message?.media_group_id && updates.includes(id))
    ?.updates[0];
}

/**
 * The updates in order, those of one album together: pictures that were sent at once are a message each, with one caption
 * among them. What was taken as one message stays one, and what came later is another.
 */
export function withAlbums(
  updates: readonly Update[],
  taken: readonly TakenAlbum[] = [],
): [Update, ...Update[]][] {
  const groups: [Update, ...Update[]][] = [];
  const albums = new Map<string, Update[]>();
  for (const update of updates) {
    const album = update.message?.media_group_id;
    const key = `${lineOf(update)} ${album} ${takenWith(taken, update)}`;
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
