import { AppError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import { sameSecret } from "../../lib/secrets.ts";
import type { AccountSettings, ConnectionHooks, WebhookAnswer, WebhookRequest } from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { decrypt } from "./decrypt.ts";
import type { TakeEvent } from "./intake.ts";
import { isSigned, isSignedBy } from "./signature.ts";

type Keys = Pick<AccountSettings<"feishu">, "app_id" | "encrypt_key" | "verification_token">;

/** Feishu reads the answer to a press of a button as JSON. */
const TAKEN: WebhookAnswer = { status: 200, contentType: "application/json", body: "{}" };
const FORGED: WebhookAnswer = { status: 401 };
/** Feishu delivers the event again: after 15 seconds, 5 minutes, an hour and 6 hours. */
const LATER: WebhookAnswer = { status: 503 };

/** The keys of an account by which calls are known; a blank one is none, for anybody could guess it. */
export function keysIn({ encrypt_key = "", verification_token = "" }: Keys): {
  encryptKey: string | null;
  token: string | null;
} {
  const usable = (key: string) => (key.trim() === "" ? null : key);
  return { encryptKey: usable(encrypt_key), token: usable(verification_token) };
}

/**
 * Takes Feishu's calls: events, presses of buttons, and the challenge by which it tries the address. Answers 200 only for what is
 * on disk; Feishu waits three seconds, and one for the challenge. Without a key that proves where a call comes from, all are
 * refused.
 */
export function createWebhook(keys: Keys, take: TakeEvent) {
  return async (request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer> => {
    if (request.method !== "POST") return { status: 405 };
    const event = authentic(request, keys);
    if (event === null) {
      hooks.log("debug", "a request that does not prove to be Feishu's was refused");
      return FORGED;
    }
    const appId = textOf(fieldsOf(event["header"])["app_id"]);
    if (appId !== "" && appId !== (keys.app_id ?? appId)) {
      hooks.log("warn", "an event of another app was refused", { app_id: appId });
      return FORGED;
    }
    hooks.alive();
    if (event["type"] === "url_verification") return challengeAnswer(event);
    try {
      await take(event, hooks);
      return TAKEN;
    } catch (error) {
      hooks.log("warn", "an event could not be taken; Feishu delivers it again", {
        id: fieldsOf(event["header"])["event_id"],
        error,
      });
      return LATER;
    }
  };
}

/**
 * The event of a request; null for one that may be anybody's. With an encrypt key, Feishu encrypts and signs every event; only the
 * challenge may come without a signature, and tells nobody anything that he did not know. The verification token stands within the
 * event.
 */
function authentic(request: WebhookRequest, keys: Keys): Fields | null {
  const { encryptKey, token } = keysIn(keys);
  if (encryptKey === null && token === null) return null;
  const event = encryptKey === null ? fieldsIn(request.body) : decrypted(request, encryptKey);
  if (event === null) return null;
  return token !== null && !sameSecret(tokenOf(event), token) ? null : event;
}

function decrypted(request: WebhookRequest, encryptKey: string): Fields | null {
  const wasSigned = isSigned(request);
  if (wasSigned && !isSignedBy(encryptKey, request)) return null;
  const bytes = decrypt(textOf(fieldsIn(request.body)?.["encrypt"]), encryptKey);
  const event = bytes === null ? null : fieldsIn(bytes);
  return wasSigned || event?.["type"] === "url_verification" ? event : null;
}

/** Where it stands since 2020, and where it stood before, and stands in challenges. */
function tokenOf(event: Fields): string {
  return textOf(fieldsOf(event["header"])["token"]) || textOf(event["token"]);
}

function fieldsIn(bytes: Uint8Array): Fields | null {
  try {
    return fieldsOf(parseJson(bytes));
  } catch (error) {
    if (error instanceof AppError) return null; // no JSON, so nobody's event
    throw error;
  }
}

function challengeAnswer(event: Fields): WebhookAnswer {
  return { ...TAKEN, body: JSON.stringify({ challenge: textOf(event["challenge"]) }) };
}
