import type { LiveConfig } from "../config/live.ts";
import { PROVIDER_PRESETS } from "../config/providers.ts";
import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { nearest } from "../lib/nearest.ts";
import { own } from "../lib/own.ts";
import { anthropicModel } from "./anthropic.ts";
import { type Catalogue, openCatalogue } from "./catalogue.ts";
import type { Model, ModelInfo, ModelRouter } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { googleModel } from "./google.ts";
import { modelInfo, priced } from "./info.ts";
import { createListing } from "./listing.ts";
import { openAiModel } from "./openai.ts";
import { configuredProviders, findProvider, type Provider } from "./provider.ts";
import { type Candidate, withRetries } from "./retry.ts";
import { fitRequest } from "./senses.ts";

export interface ModelRouterOptions {
  config: LiveConfig;
  log: Log;
  /** The built-in catalogue unless given. */
  catalogue?: Catalogue;
  /** The first wait before a retry, in milliseconds; 500 unless a test says otherwise. */
  retryBaseMs?: number;
}

const PROTOCOLS = { "openai-compatible": openAiModel, anthropic: anthropicModel, google: googleModel };

/** Creates the router: the only part of this room that the others use. */
export function createModelRouter(options: ModelRouterOptions): ModelRouter {
  const { config, log, catalogue = openCatalogue({ home: null, log }), retryBaseMs: baseMs } = options;
  const listing = createListing({ catalogue, log });

  function candidate(ref: string): Candidate & { info: ModelInfo } {
    const { provider, name } = parseRef(ref, config.current, catalogue);
    const info = modelInfo(provider, name, catalogue, listing.known(provider, name));
    const model = PROTOCOLS[provider.type](endpointOf(provider, name, config.current));
    return { ref, info, model: withInfo(model, info) };
  }

  return {
    resolve(ref = defaultRef(config.current)) {
      const refs = [...new Set([ref, ...config.current.model.fallbacks])];
      const candidates = refs.map(candidate);
      const [first] = candidates;
      if (!first) throw noProvider();
      const retrying = withRetries(candidates, {
        retries: config.current.model.retries,
        log,
        ...(baseMs === undefined ? {} : { baseMs }),
      });
      return { info: first.info, stream: retrying.stream };
    },
    list: (signal) => listing.list(configuredProviders(config.current), signal),
    defaultRef: () => defaultRef(config.current),
  };
}

/** The model, told of what it does not take in words, and with the cost, by its prices, in the usage it reports. */
function withInfo(model: Model, info: ModelInfo): Model {
  return {
    async *stream(request, signal) {
      for await (const events of model.stream(fitRequest(request, { ...info, hears: model.hears }), signal))
        yield events.map((event) =>
          event.type === "end" ? { ...event, usage: priced(event.usage, info) } : event,
        );
    },
  };
}

function endpointOf(provider: Provider, model: string, config: Config): Endpoint {
  const { baseUrl, name } = provider;
  const url = baseUrl !== null && URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (baseUrl === null || !url || !/^https?:$/.test(url.protocol))
    throw new AppError("config_invalid", `The provider ${name} has no usable base_url.`, {
      hint: `Set providers.${name}.base_url to its http or https address, with the version: https://example.com/v1.`,
    });
  return {
    provider: name,
    model,
    baseUrl,
    apiKey: provider.apiKey,
    headers: provider.headers,
    keyPlace: provider.keyPlace,
    firstTokenTimeoutMs: config.model.first_token_timeout_ms,
    stallTimeoutMs: config.model.stall_timeout_ms,
    maxOutputTokens: config.model.max_output_tokens ?? null,
    temperature: config.model.temperature ?? null,
  };
}

/** The configured default; without one, that of the first configured provider which has one. Throws `unknown_model`. */
export function defaultRef(config: Config): string {
  if (config.model.default) return config.model.default;
  const providers = configuredProviders(config);
  const first = providers.find((provider) => provider.defaultModel !== null);
  if (first) return `${first.name}/${first.defaultModel}`;
  if (providers.length === 0) throw noProvider();
  throw new AppError("unknown_model", "No default model is set.", {
    hint: `Set model.default or HERMES_MODEL to ${providers[0]?.name}/ and the name of a model, or name one in the request.`,
  });
}

function noProvider(): AppError {
  return new AppError("unknown_model", "No model provider is configured.", {
    hint:
      "Set the key of one in the environment (OPENROUTER_API_KEY, OPENAI_API_KEY, ANTHROPIC_API_KEY, ...), " +
      "or under providers in config.yaml. To try Hermes without one: run `hermes dev fake-llm` and set FAKE_LLM_API_KEY=fake.",
  });
}

/** Splits a ref at its first slash. Throws `unknown_model` with what was probably meant. */
function parseRef(ref: string, config: Config, catalogue: Catalogue): { provider: Provider; name: string } {
  const slash = ref.indexOf("/");
  const name = ref.slice(slash + 1);
  if (slash <= 0 || name === "") throw noRef(ref, config, catalogue);
  const word = ref.slice(0, slash);
  const provider = findProvider(config, word);
  if (provider) return { provider, name };
  const preset = own(PROVIDER_PRESETS, word);
  if (preset)
    throw new AppError("unknown_model", `The provider ${word} is not configured.`, {
      hint: `Set ${preset.env ? `${preset.env} or ` : ""}providers.${word}.api_key.`,
    });
  const configured = configuredProviders(config).map((each) => each.name);
  if (configured.length === 0) throw noProvider();
  const meant = nearest(word, [...configured, ...Object.keys(PROVIDER_PRESETS)]);
  throw new AppError("unknown_model", `There is no model provider named ${shown(word)}.`, {
    hint: meant ? `Did you mean ${meant}/${shown(name)}?` : `Configured: ${configured.join(", ")}.`,
  });
}

/** The error for a name without its provider. */
function noRef(ref: string, config: Config, catalogue: Catalogue): AppError {
  const configured = configuredProviders(config);
  if (configured.length === 0) return noProvider();
  const names = new Map(
    configured.flatMap((provider) =>
      [...provider.models.map((model) => model.name), ...catalogue.names(provider.name)].map((name) => [
        name,
        `${provider.name}/${name}`,
      ]),
    ),
  );
  const meant = names.get(ref) ?? names.get(nearest(ref, names.keys()) ?? "");
  return new AppError(
    "unknown_model",
    `${shown(ref) || "An empty name"} is not a model name of the form provider/model.`,
    {
      hint: meant
        ? `Did you mean ${meant}?`
        : `Write ${configured[0]?.name}/${shown(ref) || "model"}, for example.`,
    },
  );
}

/** What a caller wrote, short enough to be said back. */
function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, "").slice(0, 80);
}
