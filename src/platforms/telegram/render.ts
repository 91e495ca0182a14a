/** Markdown as the HTML of Telegram's Bot API. */
export function toHtml(markdown: string): string {
  return markdown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** True when a message of this Markdown is within Telegram's limits. */
export function fits(markdown: string): boolean {
  return markdown.length <= 4096;
}
