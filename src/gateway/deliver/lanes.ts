/** What waits to be sent to one chat. */
export interface Queued {
  /** The order in which it was taken on. */
  order: number;
}

/** Sends what is due, chat by chat: one after another within a chat, in the order of acceptance, and chats side by side. */
export interface Lanes<Item extends Queued> {
  add(lane: string, item: Item): void;
  /** Resolves once nothing waits and nothing is being sent. */
  idle(): Promise<void>;
  readonly size: number;
}

interface Lane<Item> {
  waiting: Item[];
}

/** `send` sees one item through, whatever happens; it never rejects. */
export function createLanes<Item extends Queued>(send: (item: Item) => Promise<void>): Lanes<Item> {
  const lanes = new Map<string, Lane<Item>>();
  let idle: (() => void)[] = [];

  const work = async (key: string, lane: Lane<Item>) => {
    for (let item = lane.waiting.shift(); item !== undefined; item = lane.waiting.shift()) await send(item);
    lanes.delete(key);
    if (lanes.size > 0) return;
    for (const resolve of idle) resolve();
    idle = [];
  };
  return {
    add(key, item) {
      const lane = lanes.get(key);
      if (lane === undefined) {
        const fresh: Lane<Item> = { waiting: [item] };
        lanes.set(key, fresh);
        void work(key, fresh);
        return;
      }
      const at = lane.waiting.findIndex((other) => other.order > item.order);
      lane.waiting.splice(at < 0 ? lane.waiting.length : at, 0, item);
    },
    idle: () =>
      lanes.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => void idle.push(resolve)),
    get size() {
      return lanes.size;
    },
  };
}
