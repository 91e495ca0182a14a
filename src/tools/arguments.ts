import type { TSchema } from "typebox";
import { type TypeCheck, TypeCompiler } from "typebox/compiler";
import type { Tool } from "./contract.ts";

const PROBLEMS_SHOWN = 5;

export type ParsedArguments = { ok: true; input: unknown } | { ok: false; problem: string };

/**
 * Checks arguments against a tool's input schema. Takes what models and doors send: an object, JSON text, or nothing at
 * all. The problem is worded for the model, which can call again with better arguments.
 */
export function createArgumentParser(): (tool: Tool, raw: unknown) => ParsedArguments {
  const checks = new WeakMap<Tool, TypeCheck<TSchema>>(); // tools of outside servers come and go

  return (tool, raw) => {
    const decoded = decode(raw);
    if (!decoded.ok)
      return { ok: false, problem: `The arguments of ${tool.name} are not valid JSON: ${decoded.why}` };
    let check = checks.get(tool);
    if (!check) {
      check = TypeCompiler.Compile(tool.input);
      checks.set(tool, check);
    }
    if (check.Check(decoded.value)) return { ok: true, input: decoded.value };
    return { ok: false, problem: describeProblems(tool, check, decoded.value) };
  };
}

function decode(raw: unknown): { ok: true; value: unknown } | { ok: false; why: string } {
  if (raw === undefined || raw === null) return { ok: true, value: {} };
  if (typeof raw !== "string") return { ok: true, value: raw };
  if (raw.trim() === "") return { ok: true, value: {} };
  try {
    return { ok: true, value: JSON.parse(raw) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}

function describeProblems(tool: Tool, check: TypeCheck<TSchema>, value: unknown): string {
  const problems = new Map<string, string>(); // the first problem of a place is the one that helps
  for (const error of check.Errors(value)) {
    const place = error.path === "" ? "the arguments" : error.path.slice(1);
    if (!problems.has(place)) problems.set(place, error.message.replace(/^Expected/, "expected"));
    if (problems.size === PROBLEMS_SHOWN) break;
  }
  const list = [...problems].map(([place, message]) => `${place}: ${message}`).join("; ");
  return `The arguments of ${tool.name} do not fit. ${list}. It takes ${JSON.stringify(tool.input)}`;
}
