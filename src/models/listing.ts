import type { Log } from "../lib/log.ts";
import { digest } from "../lib/secrets.ts";
import type { Catalogue } from "./catalogue.ts";
import type { ModelInfo } from "./contract.ts";
import { endpointUrl } from "./endpoint.ts";
import { type ListedModel, modelInfo } from "./info.ts";
import { limitedJson } from "./limited-json.ts";
import type { Provider } from "./provider.ts";

const LIST_TIMEOUT_MS = 3_000;
const KEEP_MS = 5 * 60_000;
const KEEP_FAILURE_MS = 30_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** What providers list beside models that chat. */
const NO_CHAT =
  /embed|whisper|\btts\b|-tts|dall-e|moderation|transcribe|realtime|rerank|gpt-image|veo-|imagen/i;

/** The providers' own lists of models. */
export interface Listing {
  /**
   * The models of all these providers, asked in parallel. A provider that does not answer within 3 seconds is represented
   * by the catalogue and the configuration. Answers are kept for 5 minutes, failures for half a minute.
   */
  list(providers: readonly Provider[], signal: AbortSignal): Promise<ModelInfo[]>;
  /** What a provider's list said of a model, if it was asked before. */
  known(provider: Provider, model: string): ListedModel | undefined;
}

export function createListing({ catalogue, log }: { catalogue: Catalogue; log: Log }): Listing {
  const kept = new Map<string, { models: ListedModel[] | null; untilMs: number }>();

  async function models(provider: Provider, signal: AbortSignal): Promise<ListedModel[] | null> {
    const key = cacheKey(provider);
    const hit = kept.get(key);
    if (hit && hit.untilMs > performance.now()) return hit.models;
    const found = await fetchModels(provider, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      log.debug("A provider's list of models is not to be had.", { provider: provider.name, cause });
      return null;
    });
    kept.set(key, { models: found, untilMs: performance.now() + (found ? KEEP_MS : KEEP_FAILURE_MS) });
    return found;
  }

  return {
    async list(providers, signal) {
      const lists = await Promise.all(
        providers.map(async (provider) => {
          const listed =
            (await models(provider, signal)) ?? catalogue.names(provider.name).map((name) => ({ name }));
          const configured = provider.models.filter(
            ({ name }) => !listed.some((model) => model.name === name),
          );
          return [...configured.map(({ name }) => ({ name })), ...listed].map((model) =>
            modelInfo(provider, model.name, catalogue, model),
          );
        }),
      );
      return lists.flat();
    },
    known: (provider, model) => kept.get(cacheKey(provider))?.models?.find(({ name }) => name === model),
  };
}

/** A changed address or key makes a new list. */
function cacheKey({ name, baseUrl, apiKey }: Provider): string {
  return `${name} ${baseUrl} ${Buffer.from(digest(apiKey ?? "")).toString("hex")}`;
}

async function fetchModels(provider: Provider, signal: AbortSignal): Promise<ListedModel[]> {
  if (provider.baseUrl === null) throw new Error("no base_url");
  const url = new URL(endpointUrl(provider.baseUrl, "/models"));
  if (provider.type === "google") url.searchParams.set("pageSize", "1000");
  const response = await fetch(url, {
    headers: { ...authHeaders(provider), ...provider.headers },
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]),
  });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return readList(await limitedJson(response, MAX_LIST_BYTES)).filter(({ name }) => !NO_CHAT.test(name));
}

function authHeaders({ type, apiKey }: Provider): Record<string, string> {
  if (type === "anthropic")
    return { "anthropic-version": "2023-06-01", ...(apiKey ? { "x-api-key": apiKey } : {}) };
  if (apiKey === null) return {};
  return type === "google" ? { "x-goog-api-key": apiKey } : { authorization: `Bearer ${apiKey}` };
}

/** OpenAI, OpenRouter, vLLM and Anthropic list under `data`, Google under `models`. */
function readList(json: unknown): ListedModel[] {
  const { data, models } = json as { data?: unknown; models?: unknown };
  const entries = Array.isArray(data) ? data : models;
  if (!Array.isArray(entries)) throw new Error("no list of models");
  return (entries as Record<string, unknown>[]).flatMap((entry) => {
    const name = String(entry["id"] ?? entry["name"] ?? "").replace(/^models\//, "");
    const context = entry["context_length"] ?? entry["max_model_len"] ?? entry["inputTokenLimit"];
    const output = entry["outputTokenLimit"];
    if (name === "" || !writesText(entry)) return [];
    return [
      {
        name,
        ...(isCount(context) ? { contextTokens: context } : {}),
        ...(isCount(output) ? { maxOutputTokens: output } : {}),
      },
    ];
  });
}

function writesText(entry: Record<string, unknown>): boolean {
  const methods = entry["supportedGenerationMethods"];
  return !Array.isArray(methods) || methods.includes("generateContent");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
