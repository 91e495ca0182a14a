import type { InboundMessage } from "../platforms/contract.ts";

/** The languages of Hermes's own words. */
export type Language = "en" | "zh";

/** The configured language, or else the one of the sender's client, or of what is written. */
export function languageOf(
  configured: Language | "auto" | undefined,
  { sender, text }: Pick<InboundMessage, "sender" | "text">,
): Language {
  if (configured !== undefined && configured !== "auto") return configured;
  if (sender.language !== undefined) return sender.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  return /\p{Script=Han}/u.test(text) ? "zh" : "en";
}
