import { AppError } from "../../lib/errors.ts";

/** When the platform should deliver again what was too much. */
const RETRY_MS = 1_000;

/** Counts the calls that are being answered. */
export interface InFlight {
  /** One more of this account; the returned function says that it is answered. Throws `overloaded`. `max`: of this account. */
  enter(account: string, max?: number): () => void;
  /** Of all accounts together. */
  readonly size: number;
}

/** At most `usualMax` at once for an account, so that one that is flooded takes neither memory nor workers from the others. */
export function createInFlight(usualMax: number): InFlight {
  const counts = new Map<string, number>();
  let size = 0;
  const add = (account: string, change: number) => {
    const count = (counts.get(account) ?? 0) + change;
    if (count === 0) counts.delete(account);
    else counts.set(account, count);
    size += change;
  };
  return {
    enter(account, max = usualMax) {
      if ((counts.get(account) ?? 0) >= max) throw overloadedCalls();
      add(account, 1);
      return () => add(account, -1);
    },
    get size() {
      return size;
    },
  };
}

/** More than can be done at once; the platform delivers it again. */
export function overloadedCalls(): AppError {
  return new AppError("overloaded", "Too many calls are being answered.", {
    hint: "Call again once Retry-After is over.",
    retryAfterMs: RETRY_MS,
  });
}
