/** More pieces than this no event has; Feishu's come in a handful. */
const MAX_PIECES = 1024;
/** Events of which pieces are missing; the oldest goes first. */
const MAX_OPEN = 100;

/** A piece of an event. */
export interface Piece {
  messageId: string;
  /** How many pieces the event has, and which one it is, from 0. */
  sum: number;
  seq: number;
  payload: Uint8Array;
}

/** Puts together the events that come in pieces, in whatever order. */
export interface Fragments {
  /** The whole event with its last piece; null before. */
  add(piece: Piece): Uint8Array | null;
}

interface Open {
  pieces: (Uint8Array | undefined)[];
  missing: number;
  sinceMs: number;
}

/** An event that is not whole after `lifetimeMs` is forgotten: Feishu delivers it again. */
export function createFragments(lifetimeMs: number, now: () => number = () => performance.now()): Fragments {
  const open = new Map<string, Open>();

  const forget = () => {
    for (const [id, { sinceMs }] of open)
      if (open.size > MAX_OPEN || now() - sinceMs > lifetimeMs) open.delete(id);
      else return;
  };
  return {
    add({ messageId, sum, seq, payload }) {
      forget();
      if (!isPlace(seq, sum)) return null;
      let event = open.get(messageId);
      if (event?.pieces.length !== sum) {
        event = { pieces: Array.from({ length: sum }), missing: sum, sinceMs: now() };
        open.delete(messageId);
        open.set(messageId, event);
      }
      if (event.pieces[seq] === undefined) event.missing -= 1;
      event.pieces[seq] = payload;
      if (event.missing > 0) return null;
      open.delete(messageId);
      return Buffer.concat(event.pieces.filter((piece) => piece !== undefined));
    },
  };
}

function isPlace(seq: number, sum: number): boolean {
  return Number.isInteger(sum) && Number.isInteger(seq) && seq >= 0 && seq < sum && sum <= MAX_PIECES;
}
