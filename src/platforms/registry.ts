import type { Platform, PlatformId } from "./contract.ts";

/** Every platform that this version connects, each loaded when it is needed. */
const PLATFORMS: { readonly [Id in PlatformId]?: () => Promise<Platform<Id>> } = {
  telegram: async () => (await import("./telegram/index.ts")).TELEGRAM,
  discord: async () => (await import("./discord/index.ts")).DISCORD,
  slack: async () => (await import("./slack/index.ts")).SLACK,
  wecom: async () => (await import("./wecom/index.ts")).WECOM,
  dingtalk: async () => (await import("./dingtalk/index.ts")).DINGTALK,
  feishu: async () => (await import("./feishu/index.ts")).FEISHU,
  wechat: async () => (await import("./wechat/index.ts")).WECHAT,
};

/** The platforms that this version connects. */
export const PLATFORM_IDS = Object.keys(PLATFORMS) as readonly PlatformId[];

/** A platform by its name; null for one that this version does not connect. */
export async function loadPlatform(id: PlatformId): Promise<Platform | null> {
  const load = PLATFORMS[id];
  // An account is only ever handed to the platform that it is of.
  return load === undefined ? null : ((await load()) as unknown as Platform);
}
