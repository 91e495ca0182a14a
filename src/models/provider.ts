import { PROVIDER_PRESETS, type ProviderType } from "../config/providers.ts";
import type { Config, ProviderConfig } from "../config/schema.ts";
import { own } from "../lib/own.ts";

/** A provider as the configuration and its preset make it. */
export interface Provider {
  name: string;
  type: ProviderType;
  /** Null when neither the configuration nor a preset has one. */
  baseUrl: string | null;
  apiKey: string | null;
  headers: Readonly<Record<string, string>>;
  /** Where a user sets its key, in words. */
  keyPlace: string;
  /** The model to use when none is named. */
  defaultModel: string | null;
  /** Models that the configuration describes. */
  models: NonNullable<ProviderConfig["models"]>;
}

/**
 * The provider of this name: configured, or a local server that needs no configuration (`ollama`, `vllm`, `lmstudio`).
 * Null for any other.
 */
export function findProvider(config: Config, name: string): Provider | null {
  const given = own(config.providers, name);
  const preset = own(PROVIDER_PRESETS, name);
  if (!given && !(preset && isLocal(preset.baseUrl) && preset.env === null)) return null;
  const models = given?.models ?? [];
  return {
    name,
    type: given?.type ?? preset?.type ?? "openai-compatible",
    baseUrl: given?.base_url ?? preset?.baseUrl ?? null,
    apiKey: given?.api_key ?? null,
    headers: given?.headers ?? {},
    keyPlace: preset?.env ? `${preset.env} or providers.${name}.api_key` : `providers.${name}.api_key`,
    defaultModel: preset?.defaultModel ?? models[0]?.name ?? null,
    models,
  };
}

/** The configured providers, known ones first, in the order of their presets. */
export function configuredProviders(config: Config): Provider[] {
  const known = Object.keys(PROVIDER_PRESETS).filter((name) => own(config.providers, name));
  const others = Object.keys(config.providers).filter((name) => !known.includes(name));
  return [...known, ...others].flatMap((name) => findProvider(config, name) ?? []);
}

function isLocal(url: string): boolean {
  return new URL(url).hostname === "127.0.0.1";
}
