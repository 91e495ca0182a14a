import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../lib/log.ts";
import { own } from "../lib/own.ts";
import embeddedFile from "./catalogue.json" with { type: "file" };
import { type CatalogueData, type CatalogueEntry, fromModelsDev, isCatalogue } from "./catalogue-source.ts";
import type { ModelInfo } from "./contract.ts";
import { limitedJson } from "./limited-json.ts";

const SOURCE_URL = "https://models.dev/api.json";
const MAX_SOURCE_BYTES = 32 * 1024 * 1024;
const REFRESH_TIMEOUT_MS = 20_000;

/** What the catalogue knows of a model. Prices are in US dollars for a million tokens. */
export type CatalogueFacts = Omit<ModelInfo, "ref" | "provider" | "name">;

export interface Catalogue {
  /**
   * The facts about a provider's model. A name with a date or a variant (`gpt-4o-2024-08-06`, `x:online`) finds its plain
   * form; a name known only from another provider (`vendor/model` or `model`) finds the abilities, without prices.
   */
  find(provider: string, model: string): CatalogueFacts | null;
  /** The models of a provider, by name. */
  names(provider: string): string[];
  /** The day of its facts, `2026-11-22`. */
  readonly updated: string;
  /**
   * Fetches newer facts from models.dev, keeps them in the home directory and uses them. False when that failed, which is
   * logged at debug only: the present facts stay in use.
   */
  refresh(signal?: AbortSignal): Promise<boolean>;
}

export interface CatalogueOptions {
  /** Where a refreshed copy is kept; null keeps none. */
  home: string | null;
  log: Log;
  /** Another source of the same form, for tests and mirrors. */
  sourceUrl?: string;
}

/** The catalogue inside the binary, or the refreshed copy in the home directory when that is newer; read at its first use. */
export function openCatalogue({ home, log, sourceUrl = SOURCE_URL }: CatalogueOptions): Catalogue {
  const path = home === null ? null : join(home, "models.json");
  let loaded: Loaded | null = null;

  function facts(): Loaded {
    loaded ??= indexed(newer(readEmbedded(), path === null ? null : readCopy(path, log)));
    return loaded;
  }
  function modelsOf(provider: string): Record<string, CatalogueEntry> {
    return own(facts().data.providers, provider) ?? {};
  }

  return {
    find(provider, model) {
      const models = modelsOf(provider);
      const exact = own(models, model) ?? own(models, withoutDate(model));
      if (exact) return factsOf(exact);
      const variant = own(models, withoutVariant(model));
      if (variant) return { ...factsOf(variant), ...UNPRICED };
      const other = facts().byBareName.get(bareName(model));
      return other ? { ...factsOf(other), ...UNPRICED } : null;
    },
    names: (provider) => Object.keys(modelsOf(provider)),
    get updated() {
      return facts().data.updated;
    },
    async refresh(signal) {
      try {
        loaded = indexed(newer(facts().data, await download(sourceUrl, signal)));
        if (path !== null) await saveCopy(path, loaded.data);
        return true;
      } catch (cause) {
        log.debug("The model catalogue was not refreshed.", { cause });
        return false;
      }
    },
  };
}

const UNPRICED = { inputUsdPerMillion: null, outputUsdPerMillion: null, cachedUsdPerMillion: null };

function factsOf([
  contextTokens,
  maxOutputTokens,
  input,
  output,
  cached,
  abilities,
]: CatalogueEntry): CatalogueFacts {
  return {
    contextTokens,
    maxOutputTokens,
    inputUsdPerMillion: input,
    outputUsdPerMillion: output,
    cachedUsdPerMillion: cached,
    images: abilities.includes("i"),
    audio: abilities.includes("a"),
    tools: abilities.includes("t"),
    reasoning: abilities.includes("r"),
  };
}

/** `gpt-4o-2024-08-06` and `claude-sonnet-4-5-20250929` without the date, `x-latest` without the word. */
function withoutDate(model: string): string {
  return model.replace(/[-@](\d{4}-\d{2}-\d{2}|20\d{6}|latest)$/, "");
}

/** `vendor/model:free` without what follows the colon. */
function withoutVariant(model: string): string {
  return withoutDate(model.replace(/:[^/:]+$/, ""));
}

/** The name without vendor, date and variant, and with the spelling that differs between providers made the same. */
function bareName(model: string): string {
  const name = withoutVariant(model).toLowerCase();
  return name.slice(name.lastIndexOf("/") + 1).replaceAll(".", "-");
}

interface Loaded {
  data: CatalogueData;
  byBareName: Map<string, CatalogueEntry>;
}

function indexed(data: CatalogueData): Loaded {
  const byBareName = new Map<string, CatalogueEntry>();
  for (const models of Object.values(data.providers))
    for (const [name, entry] of Object.entries(models))
      if (!byBareName.has(bareName(name))) byBareName.set(bareName(name), entry);
  return { data, byBareName };
}

function newer(present: CatalogueData, other: CatalogueData | null): CatalogueData {
  return other && other.updated >= present.updated ? other : present;
}

/** A file of its own in the binary, so that no start pays for it. */
function readEmbedded(): CatalogueData {
  return JSON.parse(readFileSync(embeddedFile as unknown as string, "utf8"));
}

function readCopy(path: string, log: Log): CatalogueData | null {
  try {
    const copy: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isCatalogue(copy)) return copy;
    log.debug("The kept model catalogue is not valid; the built-in one is used.", { path });
  } catch (cause) {
    log.debug("There is no kept model catalogue; the built-in one is used.", { path, cause });
  }
  return null;
}

async function download(url: string, signal?: AbortSignal): Promise<CatalogueData> {
  const timeout = AbortSignal.timeout(REFRESH_TIMEOUT_MS);
  const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const today = new Date().toISOString().slice(0, 10);
  const catalogue = fromModelsDev(await limitedJson(response, MAX_SOURCE_BYTES), today);
  if (!isCatalogue(catalogue) || Object.keys(catalogue.providers).length === 0)
    throw new Error(`${url} holds no catalogue`);
  return catalogue;
}

async function saveCopy(path: string, data: CatalogueData): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(data), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
