import { PlatformError } from "./contract.ts";

/** Whether the credentials of an account are still taken, as calls make one doubt. */
export interface Doubt {
  /** A call failed with this. */
  heard(error: unknown): void;
  /** Resolves when the next call fails in a way that the credentials may be the reason of. */
  raised(): Promise<void>;
}

export function createDoubt(): Doubt {
  let doubt = Promise.withResolvers<void>();
  return {
    heard(error) {
      if (!(error instanceof PlatformError) || error.kind !== "unauthorized") return;
      doubt.resolve();
      doubt = Promise.withResolvers();
    },
    raised: () => doubt.promise,
  };
}
