/**
 * Writes src/models/catalogue.json: `bun scripts/update-models.ts` from https://models.dev/api.json, or, without that
 * network, `--from DIR` with the directory `dist/providers/data` of the npm package @earendil-works/pi-ai (MIT), or
 * `--from FILE` with a saved api.json. Only facts are taken over: limits, prices, abilities.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  addEntry,
  type CatalogueData,
  catalogueEntry,
  fromModelsDev,
  isCatalogue,
} from "../src/models/catalogue-source.ts";

const TARGET = join(import.meta.dir, "..", "src", "models", "catalogue.json");
const MAX_GZIP_BYTES = 60 * 1024;

/** Files of the package, the presets they stand for, and what of them counts. */
const PI_AI_FILES: readonly { file: string; presets: string[]; only?: RegExp; unpriced?: true }[] = [
  { file: "openrouter", presets: ["openrouter"] },
  { file: "anthropic", presets: ["anthropic"] },
  { file: "openai", presets: ["openai"] },
  { file: "google", presets: ["gemini"] },
  { file: "deepseek", presets: ["deepseek"] },
  { file: "qwen-token-plan-cn", presets: ["qwen", "dashscope"], only: /^qwen/ },
  { file: "moonshotai", presets: ["moonshot"] },
  { file: "moonshotai-cn", presets: ["moonshot-cn"] },
  { file: "zai", presets: ["zai"] },
  // The same models under the Chinese endpoint, where other prices hold.
  { file: "zai", presets: ["zhipu"], unpriced: true },
  { file: "minimax", presets: ["minimax"] },
  { file: "minimax-cn", presets: ["minimax-cn"] },
  { file: "groq", presets: ["groq"] },
];

/** Models that take audio, by their families: the package tells of images only. */
const TAKES_AUDIO =
  /\bgemini-(?!.*\b(?:image|live|tts|computer-use)\b)|\bgpt-(?:4o-(?:mini-)?)?audio\b|\bvoxtral\b|\bomni\b/;

interface PiAiModel {
  reasoning: boolean;
  input: string[];
  cost: { input: number; output: number; cacheRead: number };
  contextWindow: number;
  maxTokens: number;
}

function fromPiAi(directory: string, today: string): CatalogueData {
  const providers: CatalogueData["providers"] = {};
  for (const { file, presets, only, unpriced } of PI_AI_FILES) {
    const apis: Record<string, Record<string, PiAiModel>> = readJson(join(directory, `${file}.json`));
    for (const [id, model] of Object.values(apis).flatMap((models) => Object.entries(models))) {
      if (only && !only.test(id)) continue;
      const { input, output, cacheRead: cached } = model.cost;
      const entry = catalogueEntry({
        id,
        contextTokens: model.contextWindow,
        maxOutputTokens: model.maxTokens,
        price: unpriced
          ? { input: undefined, output: undefined, cached: undefined }
          : { input, output, cached },
        images: model.input.includes("image"),
        audio: TAKES_AUDIO.test(id),
        tools: true, // the package lists only models that call tools
        reasoning: model.reasoning,
      });
      addEntry(providers, presets, id, entry);
    }
  }
  return { updated: today, providers };
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** One model a line, sorted, so that an update reads well as a diff. */
function render({ updated, providers }: CatalogueData): string {
  const blocks = Object.entries(providers)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([provider, models]) => {
      const lines = Object.entries(models)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([id, entry]) => `${JSON.stringify(id)}:${JSON.stringify(entry)}`);
      return `${JSON.stringify(provider)}:{\n${lines.join(",\n")}\n}`;
    });
  return `{"updated":"${updated}","providers":{\n${blocks.join(",\n")}\n}}\n`;
}

const { values } = parseArgs({ options: { from: { type: "string" } } });
const today = new Date().toISOString().slice(0, 10);
const catalogue = !values.from
  ? fromModelsDev(await (await fetch("https://models.dev/api.json")).json(), today)
  : statSync(values.from).isDirectory()
    ? fromPiAi(values.from, today)
    : fromModelsDev(readJson(values.from), today);
if (!isCatalogue(catalogue)) throw new Error("the source does not make a valid catalogue");
const text = render(catalogue);
const gzipBytes = Bun.gzipSync(text).length;
if (gzipBytes > MAX_GZIP_BYTES) throw new Error(`${gzipBytes} bytes gzipped, more than ${MAX_GZIP_BYTES}`);
await Bun.write(TARGET, text);
const count = Object.values(catalogue.providers).reduce((sum, models) => sum + Object.keys(models).length, 0);
console.log(`${count} models, ${text.length} bytes, ${gzipBytes} gzipped`);
