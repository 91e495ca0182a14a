/** Markdown as Discord shows it. */
export function toDiscord(markdown: string): string {
  return markdown;
}

/** True when a message of this Markdown is within Discord's limit. */
export function fits(markdown: string): boolean {
  return toDiscord(markdown).length <= 2000;
}
