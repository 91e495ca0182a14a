import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import type { FeishuApi } from "./api.ts";

/** How Feishu wants its connections treated; it may change that with every pong. */
export interface ConnectionRules {
  pingEveryMs: number;
  /** How often to try again after a connection broke; below 0: without an end. */
  maxRetries: number;
  /** Between tries. */
  retryEveryMs: number;
  /** The first try comes after a random part of this time, so that not all come back at once. */
  spreadMs: number;
}

/** What the platform's own clients do before they are told (larksuite/oapi-sdk-go, ws/client.go). */
const RULES: ConnectionRules = {
  pingEveryMs: 120_000,
  maxRetries: -1,
  retryEveryMs: 120_000,
  spreadMs: 30_000,
};

/** With a longer silence between pings, nobody would know for minutes whether the connection lives. */
const MAX_PING_EVERY_MS = 180_000;

/** Where a connection is to be opened. */
export interface Endpoint {
  url: URL;
  /** What frames of ours carry as `service`. */
  service: number;
  rules: ConnectionRules;
}

/** Asks for the address of a connection; it is good for one. */
export async function askEndpoint(api: FeishuApi, signal: AbortSignal): Promise<Endpoint> {
  const answer = fieldsOf(await api.endpoint(signal));
  const url = URL.parse(textOf(answer["URL"]));
  if (url === null || !/^wss?:$/.test(url.protocol))
    throw new PlatformError("unavailable", "Feishu gave no address for a connection.");
  const service = Number(url.searchParams.get("service_id"));
  return {
    url,
    service: Number.isInteger(service) ? service : 0,
    rules: rulesFrom(answer["ClientConfig"], RULES),
  };
}

/** The rules that a `ClientConfig` sets, in seconds there; what it does not set stays. */
export function rulesFrom(config: unknown, before: ConnectionRules): ConnectionRules {
  const fields = fieldsOf(config);
  const number = (name: string): number | null => {
    const value = fields[name];
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  };
  const ms = (name: string, least: number): number | null => {
    const seconds = number(name);
    return seconds === null || seconds < least ? null : seconds * 1000;
  };
  return {
    pingEveryMs: Math.min(ms("PingInterval", Number.MIN_VALUE) ?? before.pingEveryMs, MAX_PING_EVERY_MS),
    maxRetries: number("ReconnectCount") ?? before.maxRetries,
    retryEveryMs: ms("ReconnectInterval", 0) ?? before.retryEveryMs,
    spreadMs: ms("ReconnectNonce", 0) ?? before.spreadMs,
  };
}
