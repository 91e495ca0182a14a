import type { Config } from "./schema.ts";

/** The configuration in force. Readers take `current` each time they need it and never keep it. */
export interface LiveConfig {
  readonly current: Config;
  /** Called after every change that was taken over; returns the way to stop. */
  onChange(listener: (config: Config) => void): () => void;
}
