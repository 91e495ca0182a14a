import { isatty } from "node:tty";

/** Writes data for other programs or the reader: stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Writes talk about what is going on: stderr. */
export function say(text: string): void {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Writes a value as JSON for other programs: stdout. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/**
 * Text that somebody else wrote, for a terminal: without the control characters that would move its cursor, change its
 * title or its clipboard. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}--[\n\t]]/gv, "");
}

/** A table with columns as wide as their widest cell. Counts a Chinese character as the two columns it takes. */
export function printTable(head: string[], rows: string[][]): void {
  const lines = [head, ...rows.map((row) => row.map((cell) => printable(cell).replaceAll(/\s+/g, " ")))];
  const widths = head.map((_, i) => Math.max(...lines.map((cells) => Bun.stringWidth(cells[i] ?? ""))));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(cell))))
      .join("  ")
      .trimEnd();
  print(lines.map(line).join("\n"));
}

/** After so long a command says what it is waiting for. */
export const PROGRESS_AFTER_MS = 1000;

/** Waits for the work; when it takes more than a second, says what it is waiting for. */
export async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(`${what} ...`), PROGRESS_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** True when a person sits at the terminal and sees a prompt: only then may a command ask something. */
export function isInteractive(): boolean {
  return isatty(0) && isatty(2);
}

/** True when talk may be coloured: a terminal that shows colours, and no NO_COLOR. */
export function hasColors(): boolean {
  return isatty(2) && process.stderr.hasColors();
}

/** `2026-11-22 16:40`, in the machine's time zone. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
