import { CommanderError } from "commander";
import { AppError, toAppError } from "../lib/errors.ts";
import { say } from "./output.ts";

/** What a command ends with, by sysexits.h where it has a word for it. */
export const EXIT = { ok: 0, failure: 1, usage: 2, config: 78, interrupted: 130 } as const;

/** Thrown when the user interrupted the command: exit code 130 and no message. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Thrown after the command has told the error itself: only its exit code is left to give. */
export class AlreadyTold extends Error {
  override readonly name = "AlreadyTold";
  constructor(readonly error: AppError) {
    super(error.message);
  }
}

/** Tells the user what went wrong and returns the exit code. `debug` adds where an error came from. */
export function report(thrown: unknown, debug: boolean): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage; // told by commander
  if (thrown instanceof Interrupted) return EXIT.interrupted;
  if (thrown instanceof AlreadyTold) return exitCodeOf(thrown.error);
  tell(thrown);
  if (debug) tellOrigin(thrown);
  return exitCodeOf(toAppError(thrown));
}

/** The error in one line, and below it what can be done about it. */
export function tell(thrown: unknown): void {
  if (thrown instanceof AppError) {
    say(`error: ${thrown.message}`);
    if (thrown.hint) say(`hint: ${thrown.hint}`);
    return;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  say(`error: Something went wrong inside Hermes: ${message.replaceAll(/\s+/g, " ")}`);
  say("hint: Run it again with --log-level debug to see where.");
}

function tellOrigin(thrown: unknown): void {
  const origin = thrown instanceof AppError ? thrown.cause : thrown;
  if (origin !== undefined) say(origin instanceof Error ? (origin.stack ?? origin.message) : String(origin));
}

function exitCodeOf({ code }: AppError): number {
  if (code === "config_invalid") return EXIT.config;
  return code === "usage" ? EXIT.usage : EXIT.failure;
}
