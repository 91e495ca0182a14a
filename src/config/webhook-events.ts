/** Every event that Hermes can send, in the order of a run's life. What each one says stands in `webhooks/outbound/events.ts`. */
export const WEBHOOK_EVENTS = [
  "message.received",
  "task.started",
  "approval.requested",
  "approval.decided",
  "task.joined",
  "task.completed",
  "task.cancelled",
  "agent.error",
] as const;

export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];
