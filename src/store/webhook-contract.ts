import type { Page, RunError } from "./records.ts";
import type {
  WebhookAttempt,
  WebhookBacklog,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookDeliveryWithBody,
  WebhookEndpointState,
  WebhookFilter,
  WebhookOutcome,
  WebhookPageRequest,
} from "./webhook-records.ts";

/**
 * Events for others and their way to each endpoint. They are written with what they tell of: see `NewRun.told` and
 * `NewRunEvent.told`.
 */
export interface WebhookStore {
  /**
   * Makes this process the only one that sends to an endpoint, until it lets go or ends. Otherwise says who does. `holder`:
   * how others are told of this process.
   */
  hold(endpoint: string, holder: string): Promise<{ release: () => void } | { heldBy: string }>;
  /** Those of an endpoint that are due at this moment, the longest due first. */
  due(endpoint: string, now: number, limit: number): Promise<WebhookDeliveryWithBody[]>;
  /** The oldest one of an endpoint that is neither delivered nor dead, due or not. */
  first(endpoint: string): Promise<WebhookDeliveryWithBody | null>;
  /** When the next one of an endpoint is due that is not due yet; null when there is none. */
  nextDueAt(endpoint: string, now: number): Promise<number | null>;
  /**
   * Notes a try and what comes of it; gives the state of the endpoint after it. A delivery that is not open any more, or was
   * removed, stays as it is.
   */
  record(id: string, attempt: WebhookAttempt, outcome: WebhookOutcome): Promise<WebhookEndpointState>;
  get(id: string): Promise<WebhookDeliveryDetails | null>;
  /** Newest first. */
  list(page: WebhookPageRequest): Promise<Page<WebhookDelivery>>;
  /**
   * Makes those due again, and their tries begin anew, that are sent or dead: the delivery of this id, all deliveries of the
   * event of this id, or all that the filter means. Rejects with `not_found` for an unknown id. How many there were.
   */
  replay(which: string | WebhookFilter): Promise<number>;
  /** The state of one endpoint; nothing is known of a new one. */
  endpoint(name: string): Promise<WebhookEndpointState>;
  /** How much of an endpoint is open and dead. */
  backlog(endpoint: string): Promise<WebhookBacklog>;
  /** Sends nothing more to the endpoint, and gives up what is open for it. How many those were. */
  disable(endpoint: string, why: { urlDigest: string; error: RunError }): Promise<number>;
  /** Gives up what is open for an endpoint. How many those were. */
  bury(endpoint: string, error: RunError): Promise<number>;
  /** Sends to the endpoint again from now on; what was given up stays so. False when it was not disabled. */
  enable(endpoint: string): Promise<boolean>;
  /** Knows nothing of the endpoint any more, as of a new one: it has another address. */
  forget(endpoint: string): Promise<void>;
}
