import type { Config } from "../../config/schema.ts";
import { type WebhookEndpoint, webhookEndpoints } from "../../config/webhook-endpoints.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { Store } from "../../store/contract.ts";
import type {
  WebhookBacklog,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookEndpointState,
} from "../../store/webhook-records.ts";
import { urlDigest } from "./deliver.ts";

/** A delivery as the REST API and `--json` show it. */
export function publicDelivery(delivery: WebhookDelivery) {
  const { id, eventId, type, endpoint, status, attempts, dueAt, error, createdAt, finishedAt } = delivery;
  return {
    id,
    event_id: eventId,
    type,
    endpoint,
    status,
    attempts,
    next_attempt_at: status === "due" ? timestamp(dueAt) : null,
    error,
    created_at: timestamp(createdAt),
    finished_at: timestamp(finishedAt),
  };
}

/** A delivery with what it delivers, and each try with request and answer. */
export function publicDeliveryDetails(delivery: WebhookDeliveryDetails) {
  return {
    ...publicDelivery(delivery),
    payload: JSON.parse(delivery.body) as unknown,
    tries: delivery.tries.map(({ startedAt, durationMs, request, response, error }) => ({
      started_at: timestamp(startedAt),
      duration_ms: durationMs,
      request,
      response,
      error,
    })),
  };
}

/** How an endpoint is, as `GET /status` and the commands show it. */
export interface PublicEndpoint {
  endpoint: string;
  /** `failing`: the last try failed, and each since `failing_since`. `disabled`: nothing is sent any more. */
  state: "ok" | "failing" | "disabled";
  due: number;
  dead: number;
  last_success_at: string | null;
  failing_since: string | null;
  /** Why it is disabled, and what to do about it. */
  notice?: { message: string; hint: string };
}

/** Every endpoint that events are sent to, whichever process sends them. */
export function endpointStatuses(store: Pick<Store, "webhooks">, config: Config): Promise<PublicEndpoint[]> {
  const { webhooks } = store;
  return Promise.all(
    webhookEndpoints(config).map(async (endpoint) =>
      publicEndpoint(endpoint, await webhooks.endpoint(endpoint.name), await webhooks.backlog(endpoint.name)),
    ),
  );
}

function publicEndpoint(
  endpoint: WebhookEndpoint,
  { lastSuccessAt, failingSince, disabled }: WebhookEndpointState,
  { due, dead }: WebhookBacklog,
): PublicEndpoint {
  const isDisabled = disabled?.urlDigest === urlDigest(endpoint);
  return {
    endpoint: endpoint.name,
    state: isDisabled ? "disabled" : failingSince === null ? "ok" : "failing",
    due,
    dead,
    last_success_at: timestamp(lastSuccessAt),
    failing_since: timestamp(failingSince),
    ...(isDisabled && {
      notice: {
        message: `Disabled at ${timestamp(disabled.at)}: ${disabled.reason}`,
        hint: `hermes webhook endpoints enable ${endpoint.name}`,
      },
    }),
  };
}
