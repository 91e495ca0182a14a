import { aiSdkModel } from "./ai-sdk.ts";
import { geminiHears } from "./audio-formats.ts";
import type { Model } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";

/** A model behind the Gemini API. The package is loaded at the first call. */
export function googleModel(endpoint: Endpoint): Model {
  const model = aiSdkModel(endpoint, {
    async open({ baseUrl, apiKey, headers, model }, fetch) {
      const { createGoogle } = await import("@ai-sdk/google");
      return createGoogle({ baseURL: baseUrl, apiKey: apiKey ?? "", headers: { ...headers }, fetch })(model);
    },
  });
  return { ...model, hears: geminiHears };
}
