/** How many messages may be pushed to whom. */
export interface Allowances {
  /** The person has done something. */
  open(user: string, by: "message" | "action"): void;
  /** Uses one up: 0, or the number of the error. */
  take(user: string): number;
}

/** https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html */
export function createAllowances(): Allowances {
  const open = new Map<string, { left: number; untilMs: number }>();
  return {
    open(user, by) {
      const [left, lastsMs] = by === "message" ? [5, 48 * 3_600_000] : [3, 60_000];
      const before = open.get(user);
      const isMore = before !== undefined && before.untilMs > Date.now() && before.left >= left;
      if (by === "message" || !isMore) open.set(user, { left, untilMs: Date.now() + lastsMs });
    },
    take(user) {
      const allowance = open.get(user);
      if (allowance === undefined || allowance.untilMs <= Date.now()) return 45015;
      if (allowance.left === 0) return 45047;
      allowance.left -= 1;
      return 0;
    },
  };
}
