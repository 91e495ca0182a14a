import type { Log } from "../../lib/log.ts";
import type { Reaction } from "../../platforms/contract.ts";
import type { Run } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import type { Outgoing } from "./outgoing.ts";

/** Of all accounts. Signs are nice to have: what is more in a flood goes without. */
const MAX_AT_ONCE = 8;

/** Says with a sign on the message that was asked with how its answer stands. Nobody waits for it, and that it fails hurts nobody. */
export type Sign = (outgoing: Outgoing, run: Run | null) => void;

/** What signs are set with. */
export interface SignParts {
  find(platform: string, account: string): Connection | null;
  log: Log;
  signal: AbortSignal;
}

const SET = Promise.resolve();

/** The signs on one message are set one after another. */
export function createSigns({ find, log, signal }: SignParts): Sign {
  /** By the id of the answer, until its last sign: the one before is being set, or there. */
  const setting = new Map<string, Promise<void>>();
  let open = 0;

  async function set(connection: Connection, chat: string, messageId: string, reaction: Reaction) {
    await connection.adapter
      .react({ chat }, messageId, reaction, signal)
      .catch((error: unknown) => log.debug("a reaction could not be set", { error }));
    open -= 1;
  }

  return (outgoing, run) => {
    const { id, kind, target, extra } = outgoing.delivery;
    const { askedWith } = extraOf({ extra });
    const connection = find(target.platform, target.account);
    const before = setting.get(id);
    if (run !== null) setting.delete(id);
    // A sign that is there is not left there.
    if (kind !== "answer" || askedWith === undefined || (open >= MAX_AT_ONCE && before === undefined)) return;
    if (!connection?.account.settings.reactions || !connection.can("react")) return;
    const reaction = run === null ? "seen" : run.status === "completed" ? "done" : "failed";
    open += 1;
    const setNow = () => set(connection, target.chat, askedWith, reaction);
    const isSet = before === undefined ? setNow() : before.then(setNow);
    if (run !== null) return;
    setting.set(id, isSet);
    // Thousands of answers may wait with their sign.
    void isSet.then(() => setting.get(id) === isSet && setting.set(id, SET));
  };
}
