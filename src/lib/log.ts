import { createColors } from "picocolors";
import { escapeControls, type LoggedValue, toLogged } from "./log-values.ts";

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
  /** Whether lines of `debug` are kept, for who can do without making them. Absent: they are. */
  wantsDebug?(): boolean;
}

export interface LogOptions {
  level: LogLevel;
  /** `text` for a person at a terminal, `json` for everything else. */
  format: "text" | "json";
  /** Colours for `text`; only for a terminal that shows them. Default: none. */
  color?: boolean;
  /** Takes secrets out of a finished line. */
  redact: (line: string) => string;
  /** Takes a finished line, its newline included. */
  write: (line: string) => void;
  now?: () => number;
}

/** The log of the process: every `Log` made from it with `with` follows its level. */
export interface RootLog extends Log {
  /** The level from now on. */
  setLevel(level: LogLevel): void;
}

/** What a line says, before it becomes text or JSON. */
interface Line {
  time: string;
  level: LogLevel;
  message: string;
  fields: Record<string, LoggedValue>;
}

/**
 * Makes the log. Each call is one line, whatever the values hold: control characters are escaped, long values cut,
 * secrets taken out. Errors show their causes, and their stacks only while the level is `debug`.
 */
export function createLog(options: LogOptions): RootLog {
  let threshold = LOG_LEVELS.indexOf(options.level);
  const format = options.format === "json" ? toJson : textFormat(options.color ?? false);
  const now = options.now ?? Date.now;

  const at = (bound: LogFields): Log => {
    const emit = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      const values = Object.entries({ ...bound, ...fields }).flatMap(([name, value]) => {
        const logged = toLogged(name, value, { redact: options.redact, stacks: threshold === 0 });
        return logged === undefined ? [] : [[name, logged] as const];
      });
      const time = new Date(now()).toISOString();
      const line = format({ time, level, message, fields: Object.fromEntries(values) });
      options.write(`${options.redact(line)}\n`);
    };
    return {
      debug: emit("debug"),
      info: emit("info"),
      warn: emit("warn"),
      error: emit("error"),
      with: (fields) => at({ ...bound, ...fields }),
      wantsDebug: () => threshold === 0,
    };
  };

  return {
    ...at({}),
    setLevel: (level) => {
      threshold = LOG_LEVELS.indexOf(level);
    },
  };
}

function toJson({ time, level, message, fields }: Line): string {
  const head = { time, level, message };
  return escapeControls(JSON.stringify({ ...head, ...fields, ...head })); // no field takes the place of the head
}

function textFormat(color: boolean): (line: Line) => string {
  const paint = createColors(color);
  const labels = {
    debug: paint.dim("debug"),
    info: paint.cyan("info "),
    warn: paint.yellow("warn "),
    error: paint.red("error"),
  };
  return ({ time, level, message, fields }) => {
    const pairs = Object.entries(fields).map(
      ([name, value]) => ` ${paint.dim(`${escapeControls(name)}=`)}${toText(value)}`,
    );
    return `${paint.dim(time)} ${labels[level]} ${escapeControls(message)}${pairs.join("")}`;
  };
}

/** A plain word as it stands, everything else as JSON, so that no value can look like another field. */
function toText(value: LoggedValue): string {
  const plain = typeof value === "string" && /^[^\s"=\\]+$/.test(value);
  return escapeControls(plain ? value : JSON.stringify(value));
}
