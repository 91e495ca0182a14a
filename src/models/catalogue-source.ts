import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

const price = Type.Union([Type.Number({ minimum: 0 }), Type.Null()]);
const Entry = Type.Tuple([
  Type.Integer({ minimum: 1, description: "Context window in tokens." }),
  Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { description: "Longest answer in tokens." }),
  Type.Union([price], { description: "US dollars for a million input tokens." }),
  Type.Union([price], { description: "... output tokens." }),
  Type.Union([price], { description: "... input tokens read from the provider's cache." }),
  Type.String({
    pattern: "^i?a?t?r?$",
    description: "i: takes images, a: takes audio, t: calls tools, r: reasons.",
  }),
]);
const CatalogueSchema = Type.Object(
  {
    /** The day the facts are from, `2026-11-22`. */
    updated: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" }),
    /** By provider preset, then by the provider's name for the model. */
    providers: Type.Record(Type.String(), Type.Record(Type.String(), Entry)),
  },
  { additionalProperties: false },
);

/** What is known of models: a line of facts each, as `catalogue.json` keeps them. */
export type CatalogueData = Static<typeof CatalogueSchema>;
export type CatalogueEntry = Static<typeof Entry>;

export function isCatalogue(value: unknown): value is CatalogueData {
  return Value.Check(CatalogueSchema, value);
}

/** Our presets by their names at models.dev. A source may stand for several presets. */
const MODELS_DEV_PRESETS: Readonly<Record<string, readonly string[]>> = {
  openrouter: ["openrouter"],
  anthropic: ["anthropic"],
  openai: ["openai"],
  google: ["gemini"],
  deepseek: ["deepseek"],
  alibaba: ["dashscope"],
  "alibaba-cn": ["qwen"],
  moonshotai: ["moonshot"],
  "moonshotai-cn": ["moonshot-cn"],
  zhipuai: ["zhipu"],
  zai: ["zai"],
  minimax: ["minimax"],
  "minimax-cn": ["minimax-cn"],
  "siliconflow-cn": ["siliconflow"],
  groq: ["groq"],
};

interface ModelsDevModel {
  reasoning?: boolean;
  tool_call?: boolean;
  modalities?: { input?: string[]; output?: string[] };
  cost?: { input?: number; output?: number; cache_read?: number };
  limit?: { context?: number; output?: number };
}

/** The catalogue from the JSON of https://models.dev/api.json: the models of our presets that write text. */
export function fromModelsDev(json: unknown, today: string): CatalogueData {
  const source = json as Record<string, { models?: Record<string, ModelsDevModel> } | undefined>;
  const providers: CatalogueData["providers"] = {};
  for (const [name, presets] of Object.entries(MODELS_DEV_PRESETS))
    for (const [id, model] of Object.entries(source[name]?.models ?? {})) {
      if (!model.limit?.context || !(model.modalities?.output ?? ["text"]).includes("text")) continue;
      const entry = catalogueEntry({
        id,
        contextTokens: model.limit.context,
        maxOutputTokens: model.limit.output,
        price: { input: model.cost?.input, output: model.cost?.output, cached: model.cost?.cache_read },
        images: model.modalities?.input?.includes("image") ?? false,
        audio: model.modalities?.input?.includes("audio") ?? false,
        tools: model.tool_call ?? false,
        reasoning: model.reasoning ?? false,
      });
      addEntry(providers, presets, id, entry);
    }
  return { updated: today, providers };
}

/** Puts an entry under each of these presets. */
export function addEntry(
  providers: CatalogueData["providers"],
  presets: readonly string[],
  id: string,
  entry: CatalogueEntry,
): void {
  for (const preset of presets) providers[preset] = { ...providers[preset], [id]: entry };
}

export interface ModelFacts {
  id: string;
  contextTokens: number;
  maxOutputTokens: number | undefined;
  price: { input: number | undefined; output: number | undefined; cached: number | undefined };
  images: boolean;
  audio: boolean;
  tools: boolean;
  reasoning: boolean;
}

/** A price of 0 counts as not known, except for models that are offered as free. */
export function catalogueEntry(facts: ModelFacts): CatalogueEntry {
  const { input, output, cached } = facts.price;
  const known =
    input !== undefined && output !== undefined && (input + output > 0 || /[:/]free$/.test(facts.id));
  return [
    facts.contextTokens,
    facts.maxOutputTokens || null,
    known ? input : null,
    known ? output : null,
    known && cached ? cached : null,
    `${facts.images ? "i" : ""}${facts.audio ? "a" : ""}${facts.tools ? "t" : ""}${facts.reasoning ? "r" : ""}`,
  ];
}
