/** Markdown as Slack's mrkdwn. */
export function toMrkdwn(markdown: string): string {
  return markdown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** True when a message of this Markdown is within what Slack recommends for a text. */
export function fits(markdown: string): boolean {
  return toMrkdwn(markdown).length <= 3900;
}
