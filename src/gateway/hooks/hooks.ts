import { derived, type LiveConfig } from "../../config/live.ts";
import type { Hook, Hooks } from "./contract.ts";
import { createHook, type HookParts } from "./hook.ts";
import { hookSettings } from "./settings.ts";

/** The routes of the configuration, made anew after each change of it. */
export function createHooks({ config, ...parts }: HookParts & { config: LiveConfig }): Hooks {
  const made = derived(config, () => new Map<string | null, Hook>());
  return {
    find(name) {
      const known = made().get(name);
      if (known !== undefined) return known;
      const settings = hookSettings(config.current, name);
      if (settings === null) return null;
      const hook = createHook(settings, parts);
      made().set(name, hook);
      return hook;
    },
  };
}
