import { aiSdkModel } from "./ai-sdk.ts";
import type { Model } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * A model behind the Anthropic Messages API. The package is loaded at the first call. The system prompt and the tools before
 * it are marked for the provider's prompt cache.
 */
export function anthropicModel(endpoint: Endpoint): Model {
  return aiSdkModel(endpoint, {
    systemOptions: { anthropic: { cacheControl: { type: "ephemeral" } } },
    async open({ baseUrl, apiKey, headers, model }, fetch) {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ baseURL: baseUrl, apiKey: apiKey ?? "", headers: { ...headers }, fetch })(
        model,
      );
    },
  });
}
