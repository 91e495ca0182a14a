/** Past so many lines of difference no shortest way is looked for: everything goes, and everything comes. */
const MAX_EDITS = 2_000;

/** A file before and after; null where there is none. */
export interface FileChange {
  path: string;
  before: string | null;
  after: string | null;
}

/** The changes as one unified diff. */
export async function unifiedDiff(changes: readonly FileChange[]): Promise<string> {
  const library = await import("diff"); // only now, because hardly any process ever saves a skill
  return changes.map((change) => fileDiff(change, library)).join("");
}

function fileDiff({ path, before, after }: FileChange, library: typeof import("diff")): string {
  const from = before === null ? "/dev/null" : `a/${path}`;
  const to = after === null ? "/dev/null" : `b/${path}`;
  const options = { context: 3, headerOptions: library.FILE_HEADERS_ONLY, maxEditLength: MAX_EDITS };
  const patch = library.createTwoFilesPatch(from, to, before ?? "", after ?? "", "", "", options);
  if (patch !== undefined) return patch;
  const removed = linesOf(before ?? "");
  const added = linesOf(after ?? "");
  const range = (lines: string[]) => `${lines.length === 0 ? 0 : 1},${lines.length}`;
  return [
    `--- ${from}`,
    `+++ ${to}`,
    `@@ -${range(removed)} +${range(added)} @@`,
    ...marked("-", removed, before ?? ""),
    ...marked("+", added, after ?? ""),
    "",
  ].join("\n");
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function marked(mark: string, lines: readonly string[], text: string): string[] {
  const end = lines.length > 0 && !text.endsWith("\n") ? ["\\ No newline at end of file"] : [];
  return [...lines.map((line) => mark + line), ...end];
}
