import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

/** A page of the documentation. */
export interface Page {
  path: string;
  text: string;
  /** Code blocks with the language they name. */
  blocks: { language: string; code: string }[];
  /** The lines outside of them. */
  prose: string[];
}

/** Every page, by its path below the root. */
export const pages: readonly Page[] = ["", "docs"]
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)))
  .filter((path) => path.endsWith(".md"))
  .map(readPage);

/** The page at this path. Throws when there is none. */
export const page = (path: string): Page => pages.find((one) => one.path === path) ?? readPage(path);

/** Where the Chinese page of an English one is. */
export const inChinese = (path: string): string => path.replace(/\.md$/, ".zh-CN.md");

/** The page in English, and in Chinese. */
export const bothLanguages = (path: string): [Page, Page] => [page(path), page(inChinese(path))];

/** The cells of every row of a page's tables, without the lines below their heads. */
export const rowsOf = ({ prose }: Page): string[][] =>
  prose
    .filter((line) => /^\|(?!-)/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** What stands in backticks. */
export const codesIn = (text = ""): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

/** The source files below a directory, as one text. */
export function sourceOf(directory: string): string {
  const files = readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, directory, file), "utf8"))
    .join("\n");
}

/** True for YAML that Slack makes an app from, and that is no configuration of Hermes. */
export const isSlackManifest = (code: string): boolean => code.startsWith("display_information:");

function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
  return { path, text, blocks, prose: text.replace(/^```[\s\S]*?^```$/gm, "").split("\n") };
}
