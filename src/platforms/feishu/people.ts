import { setNewest } from "../../lib/newest.ts";
import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { lacksScope } from "./errors.ts";

const MAX_KEPT = 1000;

/** The names of people, which messages do not tell. */
export interface People {
  /** The name; the id where Feishu does not tell it in time, or not to this app. Never rejects with a `PlatformError`. */
  nameOf(openId: string, signal: AbortSignal): Promise<string>;
}

/** `People` for one app. Without the permission, nobody is asked for again. `note` is told of what failed. */
export function createPeople(
  api: FeishuApi,
  note: (message: string, fields: Record<string, unknown>) => void,
): People {
  const names = new Map<string, string>();
  let isAllowed = true;

  const keep = (openId: string, name: string): string => {
    setNewest(names, openId, name, MAX_KEPT);
    return name;
  };
  return {
    async nameOf(openId, signal) {
      const known = names.get(openId);
      if (known !== undefined || !isAllowed) return known ?? openId;
      const path = pathOf`/contact/v3/users/${openId}`;
      try {
        const answer = await api.call({ method: "GET", path, query: { user_id_type: "open_id" } }, signal);
        return keep(openId, textOf(fieldsOf(fieldsOf(answer)["user"])["name"]) || openId);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        if (lacksScope(error)) isAllowed = false;
        // Somebody outside of what the app may see: that stays so.
        else if (error.kind === "refused") keep(openId, openId);
        note("the name of a person is not told", { openId, error });
        return openId;
      }
    },
  };
}
