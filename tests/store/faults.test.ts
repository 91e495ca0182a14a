import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { AppError } from "../../src/lib/errors.ts";
import { isFull, toStoreError } from "../../src/store/faults.ts";

/** An error of SQLite itself, with another code: most of them cannot be brought about on every machine. */
function sqlite(errno: number): Error {
  try {
    new Database(":memory:").run("not SQL");
  } catch (error) {
    return Object.create(error as Error, { errno: { value: errno } });
  }
  throw new Error("SQLite took it");
}
const system = (code: string) => Object.assign(new Error("as the system says"), { code });

const FULL = "The disk of the database is full.";
const READONLY = "The database cannot be written.";
const CASES: [name: string, error: Error, message: string][] = [
  ["SQLITE_FULL", sqlite(13), FULL],
  ["SQLITE_IOERR_SHMSIZE, no room for the -shm file", sqlite(4874), FULL],
  ["ENOSPC", system("ENOSPC"), FULL],
  ["EDQUOT", system("EDQUOT"), FULL],
  ["SQLITE_IOERR_FSYNC", sqlite(1034), "The disk of the database fails."],
  ["SQLITE_READONLY_DIRECTORY", sqlite(1544), READONLY],
  ["EROFS", system("EROFS"), READONLY],
  ["EACCES", system("EACCES"), READONLY],
  ["EPERM", system("EPERM"), READONLY],
  ["SQLITE_CANTOPEN", sqlite(14), "The database cannot be opened."],
  ["SQLITE_NOTADB", sqlite(26), "The database file is damaged or is no database."],
  ["SQLITE_BUSY", sqlite(5), "The database is held by another process."],
];

test.each(CASES)("%s is told in words, with what to do", (_, error, message) => {
  const told = toStoreError(error, "/home/me/hermes.sqlite") as AppError;
  expect(told).toBeInstanceOf(AppError);
  expect([told.code, told.message, told.cause]).toEqual(["store_unavailable", message, error]);
  expect(told.hint).toContain("/home/me");
  expect(isFull(error)).toBe(message === FULL);
});

test("any other error stays what it is", () => {
  for (const error of [new Error("a mistake"), system("EEXIST"), sqlite(19), null])
    expect(toStoreError(error, "/x")).toBe(error);
});
