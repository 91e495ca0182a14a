/** Levels, from the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  level: LogLevel;
  /** `text` for a person at a terminal, `json` for everything else. */
  format: "text" | "json";
  /** Takes secrets out of a finished line. */
  redact: (line: string) => string;
  write: (line: string) => void;
  now?: () => number;
}
