import type { InboundMessage } from "../../platforms/contract.ts";
import type { DeliveryTarget } from "../../store/records.ts";

/** What stands in `config.yaml` for this person to be answered in this place, as YAML. */
export function sampleSettings(
  { sender, address, scope, spaces = [] }: InboundMessage,
  { platform, account }: DeliveryTarget,
): string {
  const keys = [
    // Ids of Telegram are numbers.
    `allowed_users: [ ${platform === "telegram" ? sender.id : JSON.stringify(sender.id)} ]`,
    ...(scope === "direct" ? [] : placeKeys(platform, address.chat, spaces)),
  ];
  const head = ["platforms:", `  ${platform}:`];
  if (account === "") return [...head, ...keys.map((key) => `    ${key}`)].join("\n");
  return [...head, "    accounts:", `      - name: ${account}`, ...keys.map((key) => `        ${key}`)].join(
    "\n",
  );
}

function placeKeys(platform: string, chat: string, [server, channel = chat]: readonly string[]): string[] {
  if (platform !== "discord" || server === undefined) return [`allowed_groups: [ ${JSON.stringify(chat)} ]`];
  return [
    `allowed_guilds: [ ${JSON.stringify(server)} ]`,
    `# allowed_channels: [ ${JSON.stringify(channel)} ]`,
  ];
}
