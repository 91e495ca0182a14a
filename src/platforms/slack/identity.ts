import { PlatformError } from "../contract.ts";
import type { SlackApi } from "./api.ts";

/** Who the bot is: what `auth.test` tells. */
export interface Identity {
  /** The id of the bot as a user, which mentions carry. */
  userId: string;
  name: string;
}

/** Asks Slack who the bot is, at the first call and whenever `fresh`. Rejects with `unauthorized` for a refused token. */
export type Identify = (signal: AbortSignal, options?: { fresh: boolean }) => Promise<Identity>;

/** `Identify` for one account. */
export function createIdentify(api: SlackApi): Identify {
  let known: Identity | null = null;
  return async (signal, { fresh } = { fresh: false }) => {
    if (known !== null && !fresh) return known;
    const answer = await api
      .call<{ user_id?: string; user?: string }>("auth.test", {}, signal)
      .catch((error: unknown) => Promise.reject(asFatal(error)));
    const { user_id: userId = "", user: name = "" } = answer;
    if (userId === "") throw new PlatformError("unavailable", "Slack did not tell who the bot is.");
    known = { userId, name };
    return known;
  };
}

/** A token with which not even this may be asked is of no use. */
function asFatal(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.kind !== "refused") return error;
  const { message, hint, cause } = error;
  return new PlatformError("unauthorized", message, { cause, ...(hint === undefined ? {} : { hint }) });
}
