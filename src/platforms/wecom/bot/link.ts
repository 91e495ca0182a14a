import { PlatformError } from "../../contract.ts";
import type { BotConnection } from "./connection.ts";
import type { Request } from "./streams.ts";

/** The connection of a bot as those see it who send. */
export interface Link {
  readonly request: Request;
  /** Who receives tells of its connection; null while there is none. */
  use(connection: BotConnection | null): void;
}

/** A connection that was made for sending alone is given up when nothing was sent for so long. */
const IDLE_MS = 5000;

/**
 * Sends over the connection of who receives. Where nobody receives, one is made by `open`, for as long as it is needed: a process
 * that only sends must not keep it, because WeCom would bring it messages that it does not take.
 */
export function createLink(open: () => Promise<BotConnection>): Link {
  let receiving: { connection: BotConnection | null } | null = null;
  let own: Promise<BotConnection> | null = null;
  let idle: Timer | undefined;

  const leave = () => {
    const connection = own;
    own = null;
    connection?.then(
      ({ close }) => close(),
      () => undefined, // who asked for it was told
    );
  };
  const borrow = async (): Promise<BotConnection> => {
    clearTimeout(idle);
    idle = setTimeout(leave, IDLE_MS);
    if (own === null) {
      const opening = open();
      own = opening;
      const forget = () => {
        if (own === opening) own = null;
      };
      opening.then(({ ended }) => ended.then(forget), forget);
    }
    return own;
  };

  return {
    async request(...call) {
      if (receiving === null) return (await borrow()).request(...call);
      if (receiving.connection === null) throw new PlatformError("unavailable", "The bot is not connected.");
      return receiving.connection.request(...call);
    },
    use(connection) {
      if (receiving === null) {
        clearTimeout(idle);
        leave();
      }
      receiving = { connection };
    },
  };
}
