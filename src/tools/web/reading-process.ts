import { compileFor } from "../../lib/compiling.ts";
import { loadLibc } from "../../lib/libc.ts";
import { headOf } from "../text.ts";
import { cleanUntrusted } from "../untrusted.ts";
import { decodeText } from "./charset.ts";
import { MAX_PAGE_CHARS, type Page, type PageSource, type ReadingAnswer } from "./contract.ts";

const MAX_TITLE_CHARS = 300;

/**
 * The process that reads pages: it answers `PageSource` messages of its parent, one after another, until the parent goes
 * away. It holds the parsers, so that neither a page that keeps them busy for ever nor one that makes them swallow all
 * memory does so to the service.
 */
export async function serveReading(): Promise<void> {
  if (!process.send) return; // started by hand: nobody asks
  compileFor("computing");
  loadLibc().endWithParent("SIGKILL"); // a page that keeps it busy would keep it from hearing of the parent's end
  const closed = Promise.withResolvers<void>();
  process.on("disconnect", closed.resolve);
  process.on("message", async (source: PageSource) => {
    process.send?.(await answer(source));
  });
  // From now on nothing of a page can be heard as talk of this program.
  console.log = console.warn = console.error = () => undefined;
  await closed.promise;
}

async function answer(source: PageSource): Promise<ReadingAnswer> {
  try {
    return { page: bounded(await read(source)) };
  } catch (error) {
    return { problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

async function read({ kind, bytes, contentType, url }: PageSource): Promise<Omit<Page, "cut">> {
  if (kind === "pdf") return (await import("./read-pdf.ts")).readPdf(bytes, MAX_PAGE_CHARS);
  return (await import("./read-html.ts")).readHtml(decodeText(bytes, contentType), url);
}

/** Chat tokens and marks go before paging, so that no page boundary can cut one in two and hide it. */
function bounded(page: Omit<Page, "cut">): Page {
  const clean = cleanUntrusted(page.content).trim();
  const short = (text: string | null) =>
    text === null ? null : headOf(cleanUntrusted(text.replace(/\s+/g, " ")), MAX_TITLE_CHARS);
  return {
    ...page,
    content: headOf(clean, MAX_PAGE_CHARS),
    title: short(page.title),
    byline: short(page.byline),
    published: short(page.published),
    cut: clean.length > MAX_PAGE_CHARS,
  };
}
