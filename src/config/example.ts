import { Kind } from "typebox";
import { stringify } from "yaml";
import { variableOf } from "./environment.ts";
import { isSection, type Path } from "./path.ts";
import { ConfigSchema } from "./schema.ts";
import type { ConfigNode } from "./schema-parts.ts";
import { isLeaf } from "./walk.ts";

const HEADER = `
# The configuration of Hermes. Copy it to ~/.hermes/config.yaml, then: chmod 600 ~/.hermes/config.yaml
# As it stands it changes nothing: a line that begins with # and no space is a key; take the # away to set it.
# Any text may be "\${NAME}", "\${NAME:-default}" or "file:/path/to/a/secret".
# Every key: docs/configuration.md, or: hermes config explain KEY
`;

/** `config.example.yaml`: every key with a default or a sample, commented out. */
export function exampleYaml(): string {
  return `${[HEADER.trim(), ...sectionLines(ConfigSchema, [])].join("\n")}\n`;
}

function sectionLines(node: ConfigNode, path: Path): string[] {
  const children = Object.entries<ConfigNode>(node["properties"]);
  return children.flatMap(([key, child]) => {
    const below = [...path, key];
    if (shownValue(child) === undefined && isLeaf(child)) return [];
    const title = [...(path.length === 0 ? [""] : []), ...proseLines(child, below)];
    if (isLeaf(child)) return [...title, ...keyLines(key, child).map(commentOut)];
    // A platform is connected when it is there: all of it is commented out.
    if (child.default === undefined)
      return [...title, ...[`${key}:`, ...sampleLines(child, below).map(indent)].map(commentOut)];
    if (child[Kind] === "Object") return [...title, `${key}:`, ...sectionLines(child, below).map(indent)];
    return child.sample === undefined
      ? [...title, commentOut(`${key}: {}`)]
      : [
          ...title,
          `${key}:`,
          ...yamlLines(isSection(child.sample) ? child.sample : {})
            .map(commentOut)
            .map(indent),
        ];
  });
}

/** The keys of an optional section that have a sample. */
function sampleLines(node: ConfigNode, path: Path): string[] {
  return Object.entries<ConfigNode>(node["properties"]).flatMap(([key, child]) =>
    child.sample === undefined ? [] : [...proseLines(child, [...path, key]), ...keyLines(key, child)],
  );
}

function proseLines(node: ConfigNode, path: Path): string[] {
  const variable = variableOf(path);
  return [`# ${node.description}${variable === null ? "" : ` Variable: ${variable}`}`];
}

function keyLines(key: string, node: ConfigNode): string[] {
  return yamlLines({ [key]: shownValue(node) });
}

function shownValue(node: ConfigNode): unknown {
  return node.sample ?? node.default;
}

/** Block style, but the values of keys that are lists on one line. */
function yamlLines(value: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(value).flatMap(([key, item]) => {
    return isSection(item) ? [`${key}:`, ...yamlLines(item).map(indent)] : [`${key}: ${flow(item)}`];
  });
}

function flow(value: unknown): string {
  return stringify(value, {
    collectionStyle: "flow",
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trimEnd();
}

function indent(line: string): string {
  return line === "" ? line : `  ${line}`;
}

function commentOut(line: string): string {
  return `#${line}`;
}
