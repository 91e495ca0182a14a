import type { LiveConfig } from "../config/live.ts";
import type { Config } from "../config/schema.ts";

/** A value made from the configuration, made again only after that has changed. */
export function derived<T>(config: LiveConfig, make: (config: Config) => T): () => T {
  let from = config.current;
  let value = make(from);
  return () => {
    if (config.current !== from) {
      from = config.current;
      value = make(from);
    }
    return value;
  };
}
