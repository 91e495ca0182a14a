import { PlatformError } from "../../contract.ts";
import type { BotConnection } from "./connection.ts";
import type { Request } from "./streams.ts";

/** The connection of a bot as those see it who send. */
export interface Link {
  readonly request: Request;
  /** Who receives tells of its connection; null while there is none. */
  use(connection: BotConnection | null): void;
  close(): void;
}

/**
 * Sends over the connection of who receives, and opens none of its own: a second one, of whatever process, would throw the first
 * out.
 */
export function createLink(): Link {
  let current: BotConnection | null = null;
  return {
    async request(...call) {
      if (current === null) throw new PlatformError("unavailable", "The bot is not connected.");
      return current.request(...call);
    },
    use(connection) {
      current = connection;
    },
    close() {
      current?.close();
      current = null;
    },
  };
}
