/** One part of a long text. */
export interface Part {
  /** What is to be rendered: fences are closed and opened again, the head of a table is repeated. */
  text: string;
  /** The slice of the original that it shows; the sources of all parts joined are the original. */
  source: string;
}

/** Splits a text into parts that all fit. */
export function splitMarkdown(markdown: string, fits: (part: string) => boolean): Part[] {
  if (fits(markdown)) return [{ text: markdown, source: markdown }];
  const half = Math.ceil(markdown.length / 2);
  return [...splitMarkdown(markdown.slice(0, half), fits), ...splitMarkdown(markdown.slice(half), fits)];
}
