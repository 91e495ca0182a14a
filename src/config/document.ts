import { Kind } from "typebox";
import { variableOf } from "./environment.ts";
import { ANY_ENTRY, ANY_NAME, formatPath, type Path } from "./path.ts";
import { ConfigSchema } from "./schema.ts";
import type { ConfigNode } from "./schema-parts.ts";
import { isLeaf, walkSchema } from "./walk.ts";

/** What the documentation says about one key. */
export interface KeyDocument {
  /** Such as `api.port`, `providers.<name>.api_key` or `api.auth.keys[].token`. */
  key: string;
  path: Path;
  node: ConfigNode;
  description: string;
  /** In the terms of JSON Schema, such as `integer, 0 to 65535`. */
  type: string;
  isSection: boolean;
  isRequired: boolean;
  variable: string | null;
}

/** Every key, sections before their content. The accounts of a platform repeat its keys and are told once. */
export function documentKeys(): KeyDocument[] {
  return [...walkSchema(ConfigSchema)].flatMap(({ path, node, optional }) => {
    const repeats = path.includes("accounts") && path.at(-1) !== "accounts" && path.at(-1) !== "name";
    if (
      path.length === 0 ||
      path.at(-1) === ANY_ENTRY ||
      repeats ||
      (path.at(-1) === ANY_NAME && isLeaf(node))
    )
      return [];
    return {
      key: formatPath(path),
      path,
      node,
      description: node.description ?? "",
      type: typeName(node),
      isSection: !isLeaf(node),
      isRequired: !optional,
      variable: variableOf(path),
    };
  });
}

/** The type of a key in short. */
export function typeName(node: ConfigNode): string {
  if (node["anyOf"]) return node["anyOf"].map(typeName).join(" | ");
  switch (node[Kind]) {
    case "Literal":
      return JSON.stringify(node["const"]);
    case "Array":
      return node["items"].anyOf
        ? `list of (${typeName(node["items"])})`
        : `list of ${typeName(node["items"])}`;
    case "Object":
    case "Record":
      return "section";
    default:
      return `${node["type"]}${rangeOf(node)}`;
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: ConfigNode): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `, ${minimum} or more`;
  return exclusiveMinimum === undefined ? "" : `, above ${exclusiveMinimum}`;
}

/** The words of a reference page in one language. */
export interface PageWords {
  title: string;
  /** Paragraphs of Markdown above the tables. */
  introduction: string;
  columns: readonly [key: string, type: string, fallback: string, description: string];
  /** Behind a description: the variable, and that a change needs a restart. */
  variable: string;
  restart: string;
  required: string;
  describe(document: KeyDocument): string;
}

/** The reference page: one table for each section of the file. */
export function referencePage(words: PageWords): string {
  const sections = Map.groupBy(documentKeys(), ({ path }) => path[0] ?? "");
  const parts = [...sections].map(([name, documents]) => {
    const [section, ...keys] = documents;
    const rows = keys.map((document) => referenceRow(document, words));
    const head = [`| ${words.columns.join(" | ")} |`, "|---|---|---|---|"];
    return [`## ${name}`, "", section ? words.describe(section) : "", "", ...head, ...rows, ""].join("\n");
  });
  return [`# ${words.title}`, "", words.introduction.trim(), "", ...parts].join("\n");
}

function referenceRow(document: KeyDocument, words: PageWords): string {
  const { key, node, variable, type, isSection, isRequired } = document;
  const notes = [
    words.describe(document),
    ...(variable === null ? [] : [`${words.variable} \`${variable}\``]),
    ...(node.restart ? [words.restart] : []),
  ];
  const fallback = isRequired
    ? words.required
    : isSection || node.default === undefined
      ? ""
      : code(JSON.stringify(node.default));
  return `| ${[code(key), isSection ? "" : type.replaceAll("|", "\\|"), fallback, notes.join(" ")].join(" | ")} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

const INTRODUCTION = `
The configuration is \`config.yaml\` in \`~/.hermes\`; \`HERMES_HOME\` names another directory, \`--config\` another file.
Without any file Hermes runs on the defaults below. \`hermes config example\` prints a file to begin with,
\`hermes config check\` says what is wrong with yours, \`hermes config show --sources\` what is in force and why.

- **Precedence**: flag, then environment, then \`$HERMES_HOME/.env\`, then the file, then the default. A \`.env\` in the
  working directory is not read. An empty variable counts as not set.
- **References** work in any value that is text: \`\${NAME}\` and \`\${NAME:-default}\` take a variable, \`file:/path\` takes
  the content of a file without its last newline. Put quotes around them. \`$\${\` stands for \`\${\` itself.
- **Reload**: a changed file is taken over within a second, and at once on SIGHUP, which also reads \`.env\` and the files
  behind \`file:\` again. A file with a mistake changes nothing and is reported in the log. Keys marked
  "needs a restart" keep their value until the next start.
- **Secrets** are never shown in logs and errors. Keep the file to yourself: \`chmod 600 config.yaml\`.
`;

/** The words of the English page. */
export const ENGLISH: PageWords = {
  title: "Configuration",
  introduction: INTRODUCTION,
  columns: ["Key", "Type", "Default", "Meaning"],
  variable: "Variable:",
  restart: "A change needs a restart.",
  required: "required",
  describe: ({ description }) => description,
};
