import type { Usage } from "../store/records.ts";
import type { Catalogue } from "./catalogue.ts";
import type { ModelInfo } from "./contract.ts";
import type { Provider } from "./provider.ts";

/**
 * The context window of a model of which nothing is known: what small local models have, so that a conversation is
 * summarised too early rather than cut off by the server.
 */
const UNKNOWN_CONTEXT_TOKENS = 32_768;

/** What a provider's own list says of a model. */
export interface ListedModel {
  name: string;
  contextTokens?: number;
  maxOutputTokens?: number;
}

/** What is known of a model: the configuration first, then the provider's own list, then the catalogue, then caution. */
export function modelInfo(
  provider: Provider,
  name: string,
  catalogue: Catalogue,
  listed?: ListedModel,
): ModelInfo {
  const facts = catalogue.find(provider.name, name);
  const configured = provider.models.find((model) => model.name === name);
  return {
    ref: `${provider.name}/${name}`,
    provider: provider.name,
    name,
    contextTokens:
      configured?.context_tokens ?? listed?.contextTokens ?? facts?.contextTokens ?? UNKNOWN_CONTEXT_TOKENS,
    maxOutputTokens: listed?.maxOutputTokens ?? facts?.maxOutputTokens ?? null,
    inputUsdPerMillion: facts?.inputUsdPerMillion ?? null,
    outputUsdPerMillion: facts?.outputUsdPerMillion ?? null,
    cachedUsdPerMillion: facts?.cachedUsdPerMillion ?? null,
    images: configured?.images ?? facts?.images ?? false,
    audio: provider.type !== "anthropic" && (configured?.audio ?? facts?.audio ?? false), // that wire has no form for it
    tools: facts?.tools ?? true,
    reasoning: facts?.reasoning ?? false,
  };
}

/** The usage with its cost, when the prices are known. What a provider takes for writing its cache is not counted. */
export function priced(usage: Usage, info: ModelInfo): Usage {
  const { inputUsdPerMillion: input, outputUsdPerMillion: output, cachedUsdPerMillion } = info;
  if (input === null || output === null) return usage;
  const cached = Math.min(usage.cachedTokens ?? 0, usage.inputTokens);
  const microUsd =
    (usage.inputTokens - cached) * input +
    cached * (cachedUsdPerMillion ?? input) +
    usage.outputTokens * output;
  return { ...usage, costUsd: microUsd / 1_000_000 };
}
