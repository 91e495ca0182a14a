import { expect, test } from "bun:test";
import { AppError, ERROR_CODES, type ErrorCode, toAppError } from "../../src/lib/errors.ts";

test("every code has an HTTP error status and a title of its own", () => {
  const titles = new Set<string>();
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const error = new AppError(code, "What happened.");
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(error.status).toBeWithin(400, 600);
    expect(error.title).toMatch(/^[A-Z][^.]+$/);
    titles.add(error.title);
  }
  expect(titles.size).toBe(Object.keys(ERROR_CODES).length);
});

test("an error carries what the user and the log need", () => {
  const cause = new Error("inner");
  const error = new AppError("rate_limited", "Too fast.", { hint: "Wait.", cause, retryAfterMs: 5 });
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.hint, error.retryAfterMs, error.cause]).toEqual([
    "AppError",
    "rate_limited",
    "Too fast.",
    "Wait.",
    5,
    cause,
  ]);
});

test("an AppError passes unchanged; anything else becomes internal and keeps its words to the log", () => {
  const known = new AppError("not_found", "No such run.");
  expect(toAppError(known)).toBe(known);
  for (const thrown of [new Error("SELECT failed at /home/x"), "text", undefined, null, { a: 1 }]) {
    const error = toAppError(thrown);
    expect([error.code, error.status]).toEqual(["internal", 500]);
    expect(error.cause).toBe(thrown);
    expect(`${error.message} ${error.hint}`).not.toContain("SELECT");
  }
});
