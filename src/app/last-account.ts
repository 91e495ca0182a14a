import type { AccountHealth, Gateway } from "../gateway/contract.ts";
import { AppError } from "../lib/errors.ts";

/** The gateway tells how accounts are to whoever asks, and calls nobody. */
const LOOK_EVERY_MS = 500;

/**
 * Resolves with the reason once no account is left, or every one was refused before it was ever connected: a wrong token, say.
 * A process that is there for nothing else can end then, instead of waiting for somebody to read its log.
 */
export function whenNobodyIsLeft(gateway: Pick<Gateway, "health">): {
  over: Promise<AppError>;
  stop(): void;
} {
  const { promise, resolve } = Promise.withResolvers<AppError>();
  const look = () => {
    const accounts = gateway.health();
    if (accounts.some(({ state, bot }) => state !== "refused" || bot !== null)) return;
    clearInterval(timer);
    resolve(reasonOf(accounts));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return { over: promise, stop: () => clearInterval(timer) };
}

function reasonOf(accounts: readonly AccountHealth[]): AppError {
  const refused = accounts.flatMap(({ account, error }) => (error === null ? [] : [{ account, error }]));
  const [first] = refused;
  if (first === undefined) return new AppError("not_ready", "No account is enabled any more.");
  const message = refused.map(({ account, error }) => `${account}: ${error.message}`).join("\n");
  const { hint } = first.error;
  return new AppError("not_ready", message, hint === undefined ? {} : { hint });
}
