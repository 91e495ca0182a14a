import type { Table } from "./markdown.ts";

/** A cell longer than this does not widen its column: one long cell shall not fill every row with spaces. */
const MAX_COLUMN_WIDTH = 32;

/** The table in columns for a monospaced font; a Chinese character takes two columns. */
export function alignTable({ head, rows, align }: Table): string {
  const widths = head.map((_, i) =>
    [head, ...rows].reduce((widest, cells) => Math.max(widest, widthOf(cells[i])), 1),
  );
  const line = (cells: string[]) =>
    widths
      .map((width, i) => pad(cells[i] ?? "", width, align[i] ?? null))
      .join(" | ")
      .trimEnd();
  const border = widths.map((width) => "-".repeat(width)).join("-+-");
  return [line(head), border, ...rows.map(line)].join("\n");
}

/** The table where no font is monospaced: a line for each row. */
export function listTable({ head, rows }: Table): string {
  return [head, ...rows].map((cells) => cells.join(" | ")).join("\n");
}

/** Of a cell that does not count, nothing. */
function widthOf(cell = ""): number {
  const width = Bun.stringWidth(cell);
  return width > MAX_COLUMN_WIDTH ? 0 : width;
}

function pad(cell: string, width: number, align: Table["align"][number]): string {
  const missing = Math.max(0, width - Bun.stringWidth(cell));
  const before = align === "right" ? missing : align === "center" ? Math.floor(missing / 2) : 0;
  return " ".repeat(before) + cell + " ".repeat(missing - before);
}
