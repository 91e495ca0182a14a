import { toAppError } from "../lib/errors.ts";
import type { Language } from "./language.ts";
import { CHINESE } from "./words/chinese.ts";
import type { Failure, Words } from "./words/contract.ts";
import { ENGLISH } from "./words/english.ts";

export type { Words } from "./words/contract.ts";

/** Hermes's own words in a language. */
export function wordsIn(language: Language): Words {
  return language === "zh" ? CHINESE : ENGLISH;
}

/** An error as it may be told in a chat. */
export function failureOf(error: unknown): Failure {
  const { code, message, hint } = toAppError(error);
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
