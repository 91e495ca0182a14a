import { Kind } from "typebox";
import type { Variables } from "./home.ts";
import { formatPath, type Path } from "./path.ts";
import { PROVIDER_PRESETS } from "./providers.ts";
import { ConfigSchema } from "./schema.ts";
import type { ConfigNode } from "./schema-parts.ts";

/** A key and the variable of the environment that overrides it. */
export interface EnvironmentKey {
  path: Path;
  variable: string;
}

/** Every key with a variable: those marked in the schema and the keys of the known providers. */
export const ENVIRONMENT_KEYS: readonly EnvironmentKey[] = [
  ...markedKeys(ConfigSchema, []),
  ...Object.entries(PROVIDER_PRESETS).flatMap(([name, preset]) =>
    preset.env === null ? [] : [{ path: ["providers", name, "api_key"], variable: preset.env }],
  ),
];

function markedKeys(node: ConfigNode, path: Path): EnvironmentKey[] {
  if (node.env !== undefined) return [{ path, variable: node.env }];
  // Entries of lists and maps have no fixed place that a variable could mean.
  if (node[Kind] !== "Object") return [];
  return Object.entries<ConfigNode>(node["properties"]).flatMap(([key, child]) =>
    markedKeys(child, [...path, key]),
  );
}

/** The variable that overrides a key, or null. */
export function variableOf(path: Path): string | null {
  const shown = formatPath(path);
  return ENVIRONMENT_KEYS.find((key) => formatPath(key.path) === shown)?.variable ?? null;
}

/** What the variables set. An empty one counts as not set. */
export function environmentValues(variables: Variables): (EnvironmentKey & { value: string })[] {
  return ENVIRONMENT_KEYS.flatMap((key) => {
    const value = variables[key.variable];
    return value ? [{ ...key, value }] : [];
  });
}
