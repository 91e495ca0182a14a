import type { PlatformId } from "./contract.ts";

const MB = 1024 * 1024;

/**
 * The largest file that a platform takes from a bot, in bytes. Some take less of a certain kind, or in certain places, and say so
 * themselves; of those that take more, it is what Hermes holds in memory for one file.
 */
export const MAX_FILE_BYTES: Readonly<Record<PlatformId, number>> = {
  telegram: 50 * MB, // core.telegram.org/bots/api#sending-files
  discord: 100 * MB, // in boosted servers; 10 MB elsewhere
  slack: 100 * MB,
  wecom: 20 * MB, // developer.work.weixin.qq.com/document/path/90253
  dingtalk: 20 * MB, // open.dingtalk.com/document/development/upload-media-files
  feishu: 30 * MB, // open.feishu.cn/document/server-docs/im-v1/file/create
  wechat: 10 * MB,
};

/** Why a file is too large for a platform; null when it is not. `title`: the platform as people write it. */
export function tooLarge(
  platform: PlatformId,
  title: string,
  { name, sizeBytes }: { name: string; sizeBytes: number },
): string | null {
  const maxBytes = MAX_FILE_BYTES[platform];
  if (sizeBytes <= maxBytes) return null;
  return `${name} has ${sizeBytes} bytes; ${title} takes up to ${maxBytes / MB} MB.`;
}
