import { getDocumentProxy } from "unpdf";
import type { Page } from "./contract.ts";

const MAX_PAGES = 2_000;

/** The text of a PDF, with a mark before each page. Stops once `maxChars` are there. Throws what pdf.js does for a file that is broken or locked. */
export async function readPdf(bytes: Uint8Array, maxChars: number): Promise<Omit<Page, "cut">> {
  // A copy: pdf.js takes no Buffer, which is what comes through the channel.
  const pdf = await getDocumentProxy(new Uint8Array(bytes), { disableFontFace: true, verbosity: 0 });
  const pages: string[] = [];
  let chars = 0;
  let words = false;
  for (let number = 1; number <= Math.min(pdf.numPages, MAX_PAGES) && chars <= maxChars; number++) {
    const page = await pdf.getPage(number);
    const text = textOf((await page.getTextContent()).items);
    page.cleanup();
    words ||= text !== "";
    pages.push(`[page ${number} of ${pdf.numPages}]\n\n${text}`.trim());
    chars += text.length;
  }
  const { info } = await pdf.getMetadata();
  const known = (name: string) => {
    const value = (info as Record<string, unknown>)[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  return {
    content: words ? pages.join("\n\n") : "",
    title: known("Title"),
    byline: known("Author"),
    published: dateOf(known("CreationDate")),
    links: [],
  };
}

function textOf(items: readonly object[]): string {
  let text = "";
  for (const item of items)
    if ("str" in item) text += `${String(item.str)}${"hasEOL" in item && item.hasEOL ? "\n" : ""}`;
  return text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim();
}

/** `D:20260314093000+01'00'` as `2026-03-14` (ISO 32000-1, 7.9.4). */
function dateOf(text: string | null): string | null {
  const match = /^D:(\d{4})(\d{2})(\d{2})/.exec(text ?? "");
  return match ? match.slice(1).join("-") : text;
}
