/** The text without marks: links as "text (url)". */
export function toPlainText(markdown: string): string {
  return markdown;
}
