import type { Config } from "./schema.ts";
import type { WebhookEventType } from "./webhook-events.ts";

/** An address that events are sent to. */
export interface WebhookEndpoint {
  /** As deliveries are kept under it. */
  name: string;
  url: string;
  /** The present one, and the one before it while receivers change over. */
  secrets: readonly [string] | readonly [string, string];
  events: readonly (WebhookEventType | "*")[];
  /** One event after another. */
  ordered: boolean;
}

/** The name of the endpoint whose address stands beside `enabled`. */
export const DEFAULT_ENDPOINT = "default";

/** The endpoints that events are sent to, as the configuration has them; none while sending is off. */
export function webhookEndpoints({ gateway }: Config): WebhookEndpoint[] {
  const { enabled, endpoints, ...first } = gateway.webhook.outbound;
  if (!enabled) return [];
  const named = endpoints.filter((endpoint) => endpoint.enabled);
  return [{ ...first, name: DEFAULT_ENDPOINT }, ...named].flatMap(
    ({ name, url, secret, previous_secret: previous, events, ordered }) =>
      url === undefined || secret === undefined
        ? []
        : [{ name, url, secrets: previous === undefined ? [secret] : [secret, previous], events, ordered }],
  );
}

/** True when an endpoint asks for this event. */
export function wantsEvent({ events }: Pick<WebhookEndpoint, "events">, type: WebhookEventType): boolean {
  return events.includes(type) || events.includes("*");
}
