import type { Failure } from "./contract.ts";

/** What is to go wrong. */
export interface Failures {
  add(method: string, failure: Failure): void;
  /** How this call goes wrong, if it does. */
  take(method: string): Failure | null;
}

export function createFailures(): Failures {
  const left: { method: string; failure: Failure; times: number }[] = [];
  return {
    add(method, failure) {
      left.push({ method, failure, times: failure.times ?? 1 });
    },
    take(method) {
      const found = left.find((one) => one.times > 0 && (one.method === method || one.method === "*"));
      if (!found) return null;
      found.times -= 1;
      return found.failure;
    },
  };
}
