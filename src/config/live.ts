import type { Config } from "./schema.ts";

/** The configuration in force. Readers take `current` each time they need it and never keep it. */
export interface LiveConfig {
  readonly current: Config;
  /** Called after every change that was taken over; returns the way to stop. */
  onChange(listener: (config: Config) => void): () => void;
}

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
