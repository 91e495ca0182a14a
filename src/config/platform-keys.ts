import { formatPath, type Path } from "./path.ts";
import type { Config } from "./schema.ts";

/** The platforms that can be configured. */
export type PlatformName = keyof Config["platforms"];

/** The keys that a platform needs. */
interface Needs {
  /** Without these it cannot connect. */
  connect: readonly string[];
  /**
   * Without these it has no connection to receive over; without the first one it receives by calls to its webhook, unless its mode
   * says otherwise.
   */
  websocket?: readonly string[];
  /** Without these it cannot connect, where it receives by calls to its webhook. */
  webhookConnect?: readonly string[];
  /** Without these anybody could send it messages by calling its webhook. */
  webhook: readonly string[];
  /** The same where any one of these will do; the first is the best. */
  webhookAnyOf?: readonly string[];
}

/** What each platform needs. */
export const NEEDS: Readonly<Record<PlatformName, Needs>> = {
  telegram: { connect: ["bot_token"], webhook: ["secret_token"] },
  discord: { connect: ["bot_token"], webhook: ["application_public_key"] },
  slack: { connect: ["bot_token"], websocket: ["app_token"], webhook: ["signing_secret"] },
  wecom: {
    connect: [],
    websocket: ["bot_id", "bot_secret"],
    webhookConnect: ["corp_id", "agent_id", "secret"],
    webhook: ["token", "encoding_aes_key"],
  },
  dingtalk: { connect: ["app_key", "app_secret"], webhook: [] },
  feishu: {
    connect: ["app_id", "app_secret"],
    webhook: [],
    webhookAnyOf: ["encrypt_key", "verification_token"],
  },
  // It is never connected otherwise than by its webhook.
  wechat: { connect: ["app_id", "app_secret", "token"], webhook: [] },
};

/** The keys that an account lacks to connect, or to receive in its mode. Empty: it has what it needs. */
export function lackingKeys(name: PlatformName, account: object): string[] {
  const lacks = lacksOf(account);
  const { connect, websocket = [], webhookConnect = [], webhook, webhookAnyOf = [] } = NEEDS[name];
  const lacking = connect.filter(lacks);
  if (isByConnection(name, account)) return [...lacking, ...websocket.filter(lacks)];
  const best = webhookAnyOf.every(lacks) ? webhookAnyOf.slice(0, 1) : [];
  return [...lacking, ...[...webhookConnect, ...webhook].filter(lacks), ...best];
}

/** The keys that an account lacks to send, which may be fewer. */
export function lackingToSend(name: PlatformName, account: object): string[] {
  const { connect, websocket = [], webhookConnect = [] } = NEEDS[name];
  const ofItsWay = isByConnection(name, account) ? websocket : webhookConnect;
  return [...connect, ...(webhookConnect.length > 0 ? ofItsWay : [])].filter(lacksOf(account));
}

/** What to do about the keys that an account lacks, as one sentence. */
export function keysAdvice(name: PlatformName, account: object, path: Path = ["platforms", name]): string {
  const keys = listed(lackingKeys(name, account));
  const others = isUndecided(name, account) ? lackingKeys(name, { ...account, mode: "webhook" }) : [];
  const otherwise = others.length === 0 ? "" : `, or ${listed(others)} to be called at the webhook`;
  return `Set ${keys} in ${formatPath(path)}${otherwise}.`;
}

/** Whether an account receives over a connection of its own; of two ways the one that needs no address, if nothing tells. */
function isByConnection(name: PlatformName, account: object): boolean {
  const { mode } = account as { mode?: string };
  const { websocket = [] } = NEEDS[name];
  if (mode !== undefined) return mode !== "webhook";
  return !websocket.slice(0, 1).some(lacksOf(account)) || isUndecided(name, account);
}

/** True while no key tells in which of two ways an account is to receive. */
function isUndecided(name: PlatformName, account: object): boolean {
  const { websocket = [], webhookConnect = [], webhook } = NEEDS[name];
  const ways = [...websocket, ...webhookConnect, ...webhook];
  return websocket.length > 0 && lacksOf(account)("mode") && ways.every(lacksOf(account));
}

function lacksOf(account: object): (key: string) => boolean {
  return (key) => (account as Record<string, unknown>)[key] === undefined;
}

/** `a, b and c`. */
export function listed(keys: readonly string[]): string {
  return [keys.slice(0, -1).join(", "), ...keys.slice(-1)].filter((one) => one !== "").join(" and ");
}

/** The keys with which a platform can be connected, for each way in which it receives; the way that needs no address comes first. */
export function waysToConnect(name: PlatformName): string[][] {
  const { websocket = [] } = NEEDS[name];
  if (websocket.length === 0) return [lackingKeys(name, {})];
  return ["websocket", "webhook"].map((mode) => lackingKeys(name, { mode }));
}
