import type { InboundEvent } from "../../src/platforms/contract.ts";

/** Where somebody writes: alone with the bot, in a group that is allowed, or in another one. */
export type Place = "direct" | "allowed" | "other";
export type Who = "listed" | "paired" | "stranger" | "namesake" | "bot" | "anonymous";
export type What = (typeof WHAT)[number];
export const WHAT = [
  "message",
  "silent message",
  "command",
  "/approve",
  "/whoami",
  "button",
  "file",
  "reply",
  "forward",
  "native command",
] as const;

/** What the platform sends when somebody does something somewhere; null where it has no such thing. */
export type Act = (who: Who, place: Place, what: What) => InboundEvent | null;

const LISTED = "1";
export const IDS: Record<Who, string> = {
  listed: LISTED,
  paired: "2",
  stranger: "3",
  namesake: "4",
  bot: LISTED,
  anonymous: "",
};
/** Names prove nothing, not even that of somebody who is allowed. */
export const nameOf = (who: Who) => (who === "namesake" ? LISTED : "Ann");
const TEXTS: Partial<Record<What, string>> = {
  command: "/new",
  "/approve": "/approve",
  "/whoami": "/whoami",
};
export const textOf = (what: What) => TEXTS[what] ?? "let me in";

let acts = 0;
/** A number that no act had before. */
export const nextAct = () => acts++;
