import { type FilterFunction, FunctionExpressionType, JSONPathEnvironment, JSONPathError } from "json-p3";
import { RE2JS, RE2JSException } from "re2js";

/** A condition on a JSON value. */
export type JsonFilter = (value: unknown) => boolean;

/** Values that are looked at nest far less deep; this only keeps the recursion within bounds. */
const MAX_DEPTH = 1_000;
/** Compiled patterns that are remembered. Nearly all stand in the expression itself. */
const MAX_PATTERNS = 64;
/** Instructions of a compiled pattern; a repetition counts as often as it may repeat. */
const MAX_PATTERN_SIZE = 500;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs;

/**
 * Compiles what may stand in a filter selector of JSONPath (RFC 9535 §2.3.5), such as `@.action == 'opened'`, where `@` is the
 * value. It cannot run code, and its time grows with the value only: neither `$` nor `..`, which look at the same place again
 * and again, and regular expressions are RE2. Throws an `Error` that says what is wrong with the expression.
 */
export function compileFilter(expression: string): JsonFilter {
  const [again] = /\$|\.\./.exec(expression.replace(STRING, "''")) ?? [];
  try {
    const query = environment.compile(`$[?${expression}]`);
    if (query.segments.length !== 1 || query.segments[0]?.selectors.length !== 1)
      throw new Error("it must be one condition; join several with && or ||");
    if (again !== undefined) throw new Error(`${again} is not allowed: begin every path with @`);
    return (value) => query.match([value] as Parameters<typeof query.match>[0]) !== undefined;
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    throw new Error(error.message.replace(/ \('.*$/s, ""), { cause: error });
  }
}

const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH });
environment.functionRegister.set("match", regularExpression("whole"));
environment.functionRegister.set("search", regularExpression("part"));

/** `match` and `search` (RFC 9535 §2.4.6, §2.4.7) without back-tracking. Where there is no text or no pattern is no match. */
function regularExpression(what: "whole" | "part"): FilterFunction {
  const patterns = new Map<string, RE2JS | null>();
  const patternOf = (source: string): RE2JS | null => {
    const known = patterns.get(source);
    if (known !== undefined) return known;
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    const pattern = compilePattern(source);
    patterns.set(source, pattern);
    return pattern;
  };
  return {
    argTypes: [FunctionExpressionType.ValueType, FunctionExpressionType.ValueType],
    returnType: FunctionExpressionType.LogicalType,
    call(text, source) {
      if (typeof text !== "string" || typeof source !== "string") return false;
      const pattern = patternOf(source);
      if (pattern === null) return false;
      return what === "whole" ? pattern.testExact(text) : pattern.test(text);
    },
  };
}

function compilePattern(source: string): RE2JS | null {
  try {
    const pattern = RE2JS.compile(source);
    return pattern.programSize() > MAX_PATTERN_SIZE ? null : pattern;
  } catch (error) {
    if (error instanceof RE2JSException) return null; // the standard's answer to a pattern that is none
    throw error;
  }
}
