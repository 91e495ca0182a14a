import type { ModelInfo } from "../../models/contract.ts";
import { admittedPlugin } from "../admission.ts";
import { json } from "../answers.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { defaultModel } from "./status.ts";

/** `GET /models`: what the configured providers offer. */
export function modelsApi(edge: Edge) {
  return admittedPlugin(edge.config.current.api.base_path).get(
    ROUTES.models.path,
    async ({ request, admission }) => {
      const models = await edge.models.list(request.signal);
      return json(admission, { default: defaultModel(edge), models: models.map(publicModel) });
    },
  );
}

function publicModel(model: ModelInfo) {
  return {
    id: model.ref,
    provider: model.provider,
    name: model.name,
    context_tokens: model.contextTokens,
    max_output_tokens: model.maxOutputTokens,
    usd_per_million_tokens: {
      input: model.inputUsdPerMillion,
      cached: model.cachedUsdPerMillion,
      output: model.outputUsdPerMillion,
    },
    images: model.images,
    audio: model.audio,
    tools: model.tools,
    reasoning: model.reasoning,
  };
}
