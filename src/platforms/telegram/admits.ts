import { sameSecret } from "../../lib/secrets.ts";
import type { AccountSettings } from "../contract.ts";

const SECRET_HEADER = "x-telegram-bot-api-secret-token";

/**
 * True for a request that carries the secret token of the account (https://core.telegram.org/bots/api#setwebhook). Without
 * a token nobody can tell Telegram from anybody else, so that nothing is let in.
 */
export function admits(
  headers: Readonly<Record<string, string>>,
  { secret_token: secret }: AccountSettings<"telegram">,
): boolean {
  const given = headers[SECRET_HEADER];
  return secret !== undefined && given !== undefined && sameSecret(given, secret);
}
