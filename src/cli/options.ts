import { type Command, InvalidArgumentError } from "commander";
import { LOG_LEVELS, type LogLevel } from "../lib/log.ts";

/** Options that every command which reads the configuration has. */
export interface CommonOptions {
  config?: string;
  logLevel?: LogLevel;
}

/** Adds `--config`. */
export function withConfigOption(command: Command): Command {
  return command.option("--config <file>", "read this file instead of $HERMES_HOME/config.yaml");
}

/** Every command has it: with `debug` an unexpected error shows where it came from. */
export function withLogLevelOption(command: Command): Command {
  return command.option("--log-level <level>", `what to log: ${LOG_LEVELS.join(", ")}`, parseLogLevel);
}

/** Adds `--json`. */
export function withJsonOption(command: Command): Command {
  return command.option("--json", "print JSON");
}

/** A TCP port; 0 lets the system choose one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

/** A positive whole number, such as a `--limit`. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a positive whole number.");
  return Number(text);
}

/** An http or https address. */
export function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError("It must be an address such as http://127.0.0.1:18791.");
  return url;
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text.toLowerCase());
  if (!level) throw new InvalidArgumentError(`It must be one of ${LOG_LEVELS.join(", ")}.`);
  return level;
}
