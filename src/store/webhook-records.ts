import type { PageRequest, RunError } from "./records.ts";

/** What the store keeps of webhooks that Hermes sends. All times are milliseconds since the epoch. */

/** How a delivery stands: `due` to be sent, `sent`, or `dead`: given up. */
export type WebhookDeliveryStatus = "due" | "sent" | "dead";

/** An event on its way to one endpoint, and how far it is. */
export interface WebhookDelivery {
  id: string;
  eventId: string;
  type: string;
  endpoint: string;
  status: WebhookDeliveryStatus;
  /** Tries since it was last made due: a replay begins anew. */
  attempts: number;
  /** Not before this moment is it tried again. */
  dueAt: number;
  /** Why the last try failed, fit for the operator. */
  error: RunError | null;
  createdAt: number;
  finishedAt: number | null;
}

/** A delivery with what it delivers. */
export interface WebhookDeliveryWithBody extends WebhookDelivery {
  body: string;
}

/** What was sent, without what proves that it came from Hermes. */
export interface WebhookRequest {
  /** The address without its query, which may be secret. */
  url: string;
  headers: Readonly<Record<string, string>>;
}

/** What came back; the body as far as it is kept. */
export interface WebhookResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** One try to deliver. */
export interface WebhookAttempt {
  startedAt: number;
  durationMs: number;
  request: WebhookRequest;
  /** Null when there was no answer. */
  response: WebhookResponse | null;
  /** Null when it was delivered. */
  error: RunError | null;
}

/** What comes of a try: delivered, given up, or due again at this moment. */
export type WebhookOutcome = { status: "sent" } | { status: "dead" } | { status: "due"; dueAt: number };

/** All that is known of a delivery. */
export interface WebhookDeliveryDetails extends WebhookDeliveryWithBody {
  /** Oldest first, those before a replay included. */
  tries: WebhookAttempt[];
}

/** How an endpoint is. */
export interface WebhookEndpointState {
  name: string;
  lastSuccessAt: number | null;
  lastFailureAt: number | null;
  /** Since when there were failures only; null while the last try was no failure. */
  failingSince: number | null;
  /** Null while events are sent to it. */
  disabled: { at: number; reason: string; urlDigest: string } | null;
}

/** How many deliveries of an endpoint are open, and how many are dead. */
export interface WebhookBacklog {
  due: number;
  dead: number;
}

/** Which deliveries are meant; each part narrows. */
export interface WebhookFilter {
  status?: WebhookDeliveryStatus;
  endpoint?: string;
  type?: string;
  /** Made at this moment or later. */
  since?: number;
  /** Made before this moment. */
  until?: number;
}

/** A page of what a filter means. */
export type WebhookPageRequest = PageRequest & WebhookFilter;
