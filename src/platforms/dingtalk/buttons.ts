import type { Button } from "../contract.ts";

const SEND_MESSAGE = "dtmd://dingtalkclient/sendMessage";
const SIGNS = { good: "✅ ", bad: "❌ " } as const;
/** What a pressed button writes: its label, and its value with a mark that nobody types. `⟨x⟩` alone is somebody's mathematics. */
const PRESSED = /^\S[^⟨⟩\n]{0,80} ⟨hermes:([!-~]{1,64})⟩$/;

/**
 * Buttons as a line of links, in DingTalk's Markdown. A robot's message has no buttons that call back; a link of this kind has
 * the client send a text in the name of who presses it, and works in Markdown messages only, not in cards.
 */
export function buttonLine(buttons: readonly Button[]): string {
  return buttons.map(linkOf).join("  |  ");
}

/** The value of the button that wrote this text; undefined for what somebody wrote by hand. */
export function pressedIn(text: string): string | undefined {
  return PRESSED.exec(text)?.[1];
}

function linkOf({ label, value, style }: Button): string {
  const words = label.replace(/[[\]⟨⟩\n]/g, " ").trim();
  const said = encodeURIComponent(`${words} ⟨hermes:${value}⟩`);
  return `[${style === undefined ? "" : SIGNS[style]}${words}](${SEND_MESSAGE}?content=${said})`;
}
