import type { InboundMessage } from "../platforms/contract.ts";

/** The languages of Hermes's own words. */
export type Language = "en" | "zh";

/** A command, a word in brackets for what is no text, or signs alone: they are the same whatever their sender speaks. */
const TELLS_NOTHING = /^\s*(?:[/!].*|\[.*\]\s*|\P{L}*)$/su;

/** The configured language, or else the one of the sender's client, of what is written, or of most people on the platform. */
export function languageOf(
  configured: Language | "auto" | undefined,
  { sender, text }: Pick<InboundMessage, "sender" | "text">,
  home: Language = "en",
): Language {
  if (configured !== undefined && configured !== "auto") return configured;
  if (sender.language !== undefined) return sender.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  if (/\p{Script=Han}/u.test(text)) return "zh";
  return TELLS_NOTHING.test(text) ? home : "en";
}
