import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import { formatPath, type Path } from "./path.ts";

/** A place in a file, counted from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Where a value of the file stands, and how a number was written. */
export interface Mark {
  value: Position;
  /** Where its key stands; the entries of a list have none. */
  key?: Position;
  /** The text of a plain scalar: a number loses digits, its text does not. */
  source?: string;
}

export interface YamlProblem extends Position {
  path: string;
  message: string;
}

export interface YamlFile {
  /** The content; null for an empty file. */
  value: unknown;
  /** False when the problems leave nothing that could be checked further. */
  readable: boolean;
  /** By `formatPath` of the value's path. */
  marks: ReadonlyMap<string, Mark>;
  problems: YamlProblem[];
}

const MAX_NODES = 100_000;
const MAX_DEPTH = 64;

/** YAML's errors in words of ours: its own quote the file, and the file has secrets. */
const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) can have no anchor or tag",
  BAD_ALIAS: "an alias is written *name",
  BAD_DQ_ESCAPE: "a backslash in double quotes starts an escape that does not exist; use single quotes",
  BAD_INDENT: "the indentation does not fit the lines above",
  BAD_SCALAR_START: "the value starts with a character that has a meaning in YAML; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY:
    "a key and its value cannot follow a value on the same line; put the value in quotes",
  DUPLICATE_KEY: "the key stands here a second time",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line; is a colon missing?",
  MULTIPLE_DOCS: "a second document (---) starts here; the file must have one only",
  TAB_AS_INDENT: "a tab indents the line; YAML takes spaces only",
  TAG_RESOLVE_FAILED: "the tag (!name) is not known",
  UNEXPECTED_TOKEN: "this does not belong here; is a quote or a bracket missing?",
};

const NO_ANCHOR =
  "the alias (*name) names no anchor (&name) above it; put the value in quotes if none is meant";
const UNQUOTED = 'a reference inside brackets needs quotes: "${NAME}"';

/** Reads YAML 1.2 with the place of every value. Never throws. `maxNodes` is what its aliases may unfold to. */
export function parseYaml(text: string, maxNodes = MAX_NODES): YamlFile {
  const lines = new LineCounter();
  const marks = new Map<string, Mark>();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: (a, b) => isScalar(a) && isScalar(b) && keyText(a) === keyText(b),
    });
    const faults = [...document.errors, ...document.warnings];
    const problems = faults.map(({ code, pos: [at] }) => {
      const inReference = text[at] === "{" && text[at - 1] === "$";
      const message = inReference ? UNQUOTED : (SYNTAX[code] ?? "this is not valid YAML");
      return { path: "", message, ...positionAt(lines, at) };
    });
    // A key that stands twice leaves the rest readable, so that its problems are told as well; of everything else the
    // first fault is the cause and the others follow from it.
    const first = faults.findIndex((fault) => fault.code !== "DUPLICATE_KEY");
    if (first >= 0) return { value: null, readable: false, marks, problems: problems.slice(0, first + 1) };
    const reader = { document, lines, marks, problems, nodes: 0, maxNodes };
    return { value: readNode(reader, document.contents, [], undefined), readable: true, marks, problems };
  } catch (error) {
    // The parser recurses: brackets nested without end exhaust the stack.
    if (!(error instanceof RangeError) && !(error instanceof TooMuch)) throw error;
    const message = "the file is nested too deep, or its aliases unfold to too much";
    return { value: null, readable: false, marks, problems: [{ path: "", message, line: 1, column: 1 }] };
  }
}

class TooMuch extends Error {}

interface Reader {
  document: Document.Parsed;
  lines: LineCounter;
  marks: Map<string, Mark>;
  problems: YamlProblem[];
  nodes: number;
  maxNodes: number;
}

function readNode(reader: Reader, node: unknown, path: Path, key: Position | undefined): unknown {
  reader.nodes += 1;
  if (reader.nodes > reader.maxNodes || path.length > MAX_DEPTH) throw new TooMuch();
  if (!isNode(node)) return null;
  if (isAlias(node)) return readAlias(reader, node, path, key);
  reader.marks.set(formatPath(path), {
    value: positionOf(reader.lines, node),
    ...(key && { key }),
    ...(isScalar(node) && node.source !== undefined && { source: node.source }),
  });
  if (isMap(node)) return readMap(reader, node.items, path);
  if (isSeq(node))
    return node.items.map((item, i) => readNode(reader, item, [...path, String(i)], undefined));
  return isScalar(node) ? node.value : null;
}

function readAlias(reader: Reader, alias: Alias, path: Path, key: Position | undefined): unknown {
  const target = alias.resolve(reader.document);
  if (target) return readNode(reader, target, path, key);
  reader.problems.push({ path: formatPath(path), message: NO_ANCHOR, ...positionOf(reader.lines, alias) });
  return null;
}

function readMap(reader: Reader, pairs: readonly { key: unknown; value: unknown }[], path: Path): unknown {
  const read: Record<string, unknown> = {};
  for (const pair of pairs) {
    const position = isNode(pair.key) ? positionOf(reader.lines, pair.key) : { line: 1, column: 1 };
    const name = isScalar(pair.key) ? keyText(pair.key) : "";
    if (Object.hasOwn(read, name)) continue; // a problem already: the first one counts
    if (name && name !== "__proto__") read[name] = readNode(reader, pair.value, [...path, name], position);
    else reader.problems.push({ path: formatPath(path), message: "this cannot be a key", ...position });
  }
  return read;
}

/** A key as it is written: ids of chats are keys, and as numbers the long ones would lose digits. */
function keyText({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? String(value));
}

function positionOf(lines: LineCounter, node: Node): Position {
  return positionAt(lines, node.range?.[0] ?? 0);
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
