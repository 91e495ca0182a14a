import { nearest } from "../lib/nearest.ts";
import type { AccountSettings } from "./accounts.ts";
import { isLoopback } from "./check-listeners.ts";
import { formatPath, type Path } from "./path.ts";
import type { Findings } from "./problems.ts";
import { PROVIDER_PRESETS, type ProviderPreset } from "./providers.ts";
import type { Config } from "./schema.ts";

interface ModelRef {
  path: Path;
  /** As `provider/model`. */
  ref: string;
}

/** Checks that every model which is named has a provider, and every provider what it needs. */
export function checkModels(config: Config, findings: Findings): void {
  for (const name of Object.keys(config.providers)) checkProvider(config, name, findings);
  for (const ref of modelRefs(config)) checkModelRef(config, ref, findings);
}

/**
 * The local servers (ollama, vllm, lmstudio) that a model names and no key configures: they need none, so naming one
 * is enough.
 */
export function localProvidersNamed(config: Config): string[] {
  const names = modelRefs(config).map(({ ref }) => splitModelRef(ref).provider);
  return names.filter((name) => !config.providers[name] && isKeyless(presetOf(name)));
}

function checkProvider(config: Config, name: string, { faults, warnings }: Findings): void {
  const provider = config.providers[name];
  const preset = presetOf(name);
  const path = ["providers", name];
  if (!provider || provider.base_url !== undefined) return;
  if (!preset) {
    const meant = nearest(name, Object.keys(PROVIDER_PRESETS));
    const message = `providers.${name}.base_url is missing: ${name} is not a provider that Hermes knows`;
    faults.push({ path: [...path, "base_url"], message, ...(meant && { hint: `Did you mean "${meant}"?` }) });
  } else if (!isKeyless(preset) && provider.api_key === undefined) {
    const hint = preset.env ? `Set it, or ${preset.env}.` : "Set it.";
    warnings.push({ path: [...path, "api_key"], message: `providers.${name}.api_key is missing`, hint });
  }
}

/**
 * A provider that Hermes knows and that only lacks its key is no fault: an MCP client, for one, starts Hermes without the
 * variables of the shell, and most tools need no model.
 */
function checkModelRef(config: Config, { path, ref }: ModelRef, { faults, warnings }: Findings): void {
  const { provider, model } = splitModelRef(ref);
  const shown = formatPath(path);
  if (!provider || !model) {
    const message = `${shown} must be provider/model, such as openrouter/anthropic/claude-sonnet-4`;
    faults.push({ path, message });
    return;
  }
  if (Object.hasOwn(config.providers, provider)) return;
  const preset = presetOf(provider);
  const names = `${shown} names the provider ${JSON.stringify(provider)}, which is not`;
  if (preset) {
    const hint = `Set ${preset.env ? `${preset.env} or ` : ""}providers.${provider}.api_key.`;
    warnings.push({ path, message: `${names} configured`, hint });
    return;
  }
  const meant = nearest(provider, [...Object.keys(config.providers), ...Object.keys(PROVIDER_PRESETS)]);
  faults.push({
    path,
    message: `${names} known`,
    hint: meant ? `Did you mean "${meant}"?` : `Set providers.${provider}.base_url.`,
  });
}

function modelRefs(config: Config): ModelRef[] {
  const { model, platforms, gateway } = config;
  const refs: { path: Path; ref: string | undefined }[] = [
    { path: ["model", "default"], ref: model.default },
    ...model.fallbacks.map((ref, i) => ({ path: ["model", "fallbacks", String(i)], ref })),
    ...Object.entries(gateway.webhook.routes).map(([name, route]) => ({
      path: ["gateway", "webhook", "routes", name, "model"],
      ref: route.model,
    })),
  ];
  for (const [name, platform] of Object.entries(platforms)) {
    const path = ["platforms", name];
    refs.push(...voiceRefs(path, platform));
    for (const [i, account] of (platform.accounts ?? []).entries())
      refs.push(...voiceRefs([...path, "accounts", String(i)], account));
  }
  return refs.flatMap(({ path, ref }) => (ref === undefined ? [] : [{ path, ref }]));
}

/** The models of an account and of its chats. */
function voiceRefs(path: Path, { model, chats }: Pick<AccountSettings, "model" | "chats">) {
  return [
    { path: [...path, "model"], ref: model },
    ...Object.entries(chats).map(([id, chat]) => ({
      path: [...path, "chats", id, "model"],
      ref: chat.model,
    })),
  ];
}

/** The first slash splits: what follows is the provider's own name for the model, slashes and all. */
function splitModelRef(ref: string): { provider: string; model: string } {
  const slash = ref.indexOf("/");
  return slash < 0
    ? { provider: "", model: ref }
    : { provider: ref.slice(0, slash), model: ref.slice(slash + 1) };
}

function presetOf(name: string): ProviderPreset | null {
  return (Object.hasOwn(PROVIDER_PRESETS, name) ? PROVIDER_PRESETS[name] : null) ?? null;
}

function isKeyless(preset: ProviderPreset | null): boolean {
  return preset !== null && preset.env === null && isLoopback(new URL(preset.baseUrl).hostname);
}
