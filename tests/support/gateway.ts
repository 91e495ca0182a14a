import type { AccountHealth, Gateway } from "../../src/gateway/contract.ts";
import type { PlatformId, WebhookAnswer, WebhookRequest } from "../../src/platforms/contract.ts";

/** What opens the webhooks of a stand-in, in the header `x-secret`. */
export const WEBHOOK_SECRET = "the-secret-of-a-webhook-in-tests";

/** How an account of a stand-in is; connected unless said otherwise. */
export function healthOf(platform: PlatformId, change: Partial<AccountHealth> = {}): AccountHealth {
  return {
    platform,
    account: platform,
    state: "connected",
    sinceMs: Date.UTC(2026, 10, 27, 10),
    bot: { id: "1", name: "hermes_bot" },
    lastSuccessMs: Date.UTC(2026, 10, 27, 11),
    lastEventMs: null,
    reconnects: 0,
    error: null,
    ...change,
  };
}

export interface StandInOptions {
  health?: readonly AccountHealth[];
  /** The accounts with a webhook, as platform and name. */
  webhooks?: readonly (readonly [platform: PlatformId, name: string])[];
  /** What the platforms need; a usual number without it. */
  maxInFlight?: number;
  /** Without it every request is admitted. */
  admits?: (headers: Readonly<Record<string, string>>) => boolean;
  answer?: (request: WebhookRequest) => Promise<WebhookAnswer>;
}

/** A gateway that connects nothing. */
export interface StandInGateway extends Gateway {
  /** The requests that its webhooks got. */
  readonly requests: WebhookRequest[];
}

export function standInGateway(options: StandInOptions = {}): StandInGateway {
  const requests: WebhookRequest[] = [];
  const { webhooks = [], maxInFlight, admits = () => true } = options;
  const { answer = () => Promise.resolve({ status: 200 }) } = options;
  return {
    requests,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => options.health ?? [],
    shrink: () => undefined,
    webhook(platform, account) {
      if (!webhooks.some(([id, name]) => id === platform && name === account)) return null;
      return {
        ...(maxInFlight === undefined ? {} : { maxInFlight }),
        admits,
        answer(request) {
          requests.push(request);
          return answer(request);
        },
      };
    },
    fetchFile: () => Promise.reject(new Error("nobody fetches files here")),
  };
}

/** Admits what carries the secret. */
export function hasSecret(headers: Readonly<Record<string, string>>): boolean {
  return headers["x-secret"] === WEBHOOK_SECRET;
}
