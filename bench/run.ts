import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { HERMES_COMMAND } from "../tests/support/hermes.ts";
import { accept } from "./figures/accept.ts";
import { events } from "./figures/events.ts";
import { gateway } from "./figures/gateway.ts";
import { mcp } from "./figures/mcp.ts";
import { memory } from "./figures/memory.ts";
import { routes } from "./figures/routes.ts";
import { start } from "./figures/start.ts";
import { streams } from "./figures/streams.ts";
import { turns } from "./figures/turns.ts";
import { verify } from "./figures/verify.ts";
import type { Effort, Figure, Row } from "./rig.ts";

const FIGURES: readonly Figure[] = [
  routes,
  accept,
  events,
  turns,
  streams,
  start,
  mcp,
  gateway,
  verify,
  memory,
];
const FULL: Effort = { rounds: 5, seconds: 4, count: 300, turns: 10_000 };
const SHORT: Effort = { rounds: 1, seconds: 1, count: 20, turns: 500 };
const NAMES = FIGURES.map((figure) => figure.name).join(", ");

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function format(row: Row): string[] {
  const number = (value: number | null) =>
    value === null ? "-" : value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  const ratio = row.ratio === null ? "-" : `${number(row.ratio)} x`;
  const verdict = row.aim === "" ? "" : row.met ? "met" : "MISSED";
  return [row.name, `${number(row.hermes)} ${row.unit}`, number(row.floor), ratio, row.aim, verdict];
}

/** The rows as a Markdown table, the form in which `docs/evidence.md` keeps them. */
function table(rows: readonly Row[]): string {
  const lines = [["figure", "Hermes", "floor", "Hermes / floor", "aim", ""], ...rows.map(format)];
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const draw = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head, ...body] = lines.map(draw);
  return [head, draw(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}

async function main(): Promise<number> {
  if (options.help) {
    console.log(`bun run bench [--only NAME]... [--short] [--json]\nfigures: ${NAMES}`);
    return 0;
  }
  const unknown = options.only.filter((name) => !FIGURES.some((figure) => figure.name === name));
  if (unknown.length > 0) {
    console.error(`no such figure: ${unknown.join(", ")}; there are ${NAMES}`);
    return 2;
  }
  const chosen = FIGURES.filter((figure) => options.only.length === 0 || options.only.includes(figure.name));
  const subject = HERMES_COMMAND.join(" ");
  console.error(
    `subject: ${subject}; load before the run: ${loadavg()[0]?.toFixed(2)} (set HERMES_BINARY for the binary)`,
  );
  const rows: Row[] = [];
  for (const figure of chosen) {
    console.error(`measuring ${figure.name} ...`);
    rows.push(...(await figure.measure(options.short ? SHORT : FULL)));
  }
  console.log(options.json ? JSON.stringify({ bun: Bun.version, rows }, null, 2) : table(rows));
  return 0;
}

process.exit(await main());
