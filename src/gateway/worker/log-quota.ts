/** So many lines in so long; what is over is counted only. */
const MAX_LINES = 50;
const WINDOW_MS = 10_000;
const MAX_MESSAGE_CHARS = 500;

type Level = "debug" | "info" | "warn";
type Fields = Readonly<Record<string, unknown>>;
/** Takes one line of the log. */
export type LogLine = (level: Level, message: string, fields?: Fields) => void;

/**
 * A log that a flood of lines does not get through, and whose fields may cross over to another thread. Lines that nobody wants cost
 * nothing, and take no place from those that somebody does.
 */
export function createLogQuota(
  post: (level: Level, message: string, fields: Fields) => void,
  wantsDebug: () => boolean = () => true,
): LogLine {
  let lines = 0;
  let leftOut = 0;
  const endWindow = () => {
    if (leftOut > 0) post("warn", "too many lines: some are left out", { leftOut });
    lines = 0;
    leftOut = 0;
  };
  return (level, message, fields = {}) => {
    if (level === "debug" && !wantsDebug()) return;
    if (lines === 0) setTimeout(endWindow, WINDOW_MS);
    lines += 1;
    if (lines > MAX_LINES) leftOut += 1;
    else post(level, message.slice(0, MAX_MESSAGE_CHARS), toPlain(fields));
  };
}

/** More than the log shows of a field: it takes secrets out first, and half a secret is not recognised any more. */
const MAX_FIELD_CHARS = 8_000;

/** Plain values as they are, everything else as text: not every object can cross over. */
function toPlain(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const isPlain = value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
      if (isPlain && typeof value !== "string") return [name, value];
      const text = typeof value === "string" ? value : describe(value);
      return [name, text.slice(0, MAX_FIELD_CHARS)];
    }),
  );
}

function describe(value: unknown): string {
  if (!(value instanceof Error)) return Bun.inspect(value, { depth: 3 });
  const cause = value.cause === undefined ? "" : `; ${describe(value.cause)}`;
  return `${value.name}: ${value.message}${cause}`;
}
