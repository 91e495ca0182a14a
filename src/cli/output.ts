import { isatty } from "node:tty";

/** Writes data for other programs or the reader: stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Writes talk about what is going on: stderr. */
export function say(text: string): void {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A table with columns as wide as their widest cell. Counts a Chinese character as the two columns it takes. */
export function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((cell, i) =>
    Math.max(...[cell, ...rows.map((row) => row[i] ?? "")].map((cell) => Bun.stringWidth(cell))),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(cell))))
      .join("  ")
      .trimEnd();
  print([head, ...rows].map(line).join("\n"));
}

const PROGRESS_AFTER_MS = 1000;

/** Waits for the work; when it takes more than a second, says what it is waiting for. */
export async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(`${what} ...`), PROGRESS_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** True when a person sits at both ends: only then may a command ask something. */
export function isInteractive(): boolean {
  return isatty(0) && isatty(1);
}

/** `2026-11-22 16:40`, in the machine's time zone. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Thrown when the user interrupted the command: exit code 130 and no message. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
