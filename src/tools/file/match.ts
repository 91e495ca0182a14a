import { Glob } from "bun";
import { AppError } from "../../lib/errors.ts";

/** Of a file that is looked through at once; longer lines are searched in pieces of this size. */
const PIECE_BYTES = 256 * 1024;
/** For a pattern, whose time is up to its own size times that of the text: a second at the very worst. */
const PATTERN_PIECE_BYTES = 16 * 1024;
/** Instructions of a compiled pattern; a repetition counts as often as it may repeat. */
const MAX_PATTERN_SIZE = 500;

/** What is looked for in a line: where it begins, or -1. */
export interface Matcher {
  find(line: string): number;
  /** Bytes that every match has in UTF-8, when that is known: without them a piece of a file need not be decoded. */
  needle: Buffer | null;
  /** The most of a file that is looked through at once. */
  pieceBytes: number;
}

/** Raises `bad_request` for a bad pattern. Regular expressions take time in proportion to the line (RE2). */
export async function createMatcher(query: string, isRegex: boolean, ignoreCase: boolean): Promise<Matcher> {
  if (!isRegex && !ignoreCase)
    return { find: (line) => line.indexOf(query), needle: Buffer.from(query), pieceBytes: PIECE_BYTES };
  const { RE2JS, RE2JSException } = await import("re2js");
  try {
    const source = isRegex ? query : RE2JS.quote(query);
    const pattern = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    if (isRegex && pattern.programSize() > MAX_PATTERN_SIZE) throw tooCostly(pattern.programSize());
    const find = (line: string) => {
      if (!pattern.test(line)) return -1;
      const matcher = pattern.matcher(line);
      return matcher.find() ? matcher.start() : -1;
    };
    return { find, needle: null, pieceBytes: PATTERN_PIECE_BYTES };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new AppError("bad_request", `The regular expression is not valid: ${error.message}.`, {
      hint: "It is RE2 syntax: no look-around, no back-references.",
    });
  }
}

function tooCostly(size: number): AppError {
  return new AppError(
    "bad_request",
    `The regular expression has ${size} steps; ${MAX_PATTERN_SIZE} are the most.`,
    {
      hint: "Repeat less: {1,500} counts as 500.",
    },
  );
}

/**
 * Whether a path fits a glob: of the whole path where the glob has a slash, otherwise of its last name. A word without
 * wildcards fits every name that it is a part of, in upper or lower case.
 */
export function createNameMatcher(glob: string): (path: string, name: string) => boolean {
  if (!/[*?[\]{}]/.test(glob)) {
    const part = glob.toLowerCase();
    return (path, name) => (part.includes("/") ? path : name).toLowerCase().includes(part);
  }
  const compiled = new Glob(glob);
  return (path, name) => compiled.match(glob.includes("/") ? path : name);
}
