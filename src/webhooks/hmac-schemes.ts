import { type HmacForm, hmacScheme } from "./hmac-scheme.ts";
import { idIn } from "./signed-body.ts";

const SHA256_OF_BODY = {
  algorithm: "sha256",
  encoding: "hex",
  content: "{body}",
} satisfies Partial<HmacForm>;

/**
 * `X-Hermes-Signature`: the body and nothing else, so that a few lines in any language verify it. It signs neither id nor time:
 * the same body is the same event for as long as the dedupe remembers it.
 */
export const HERMES = hmacScheme({
  ...SHA256_OF_BODY,
  name: "hermes",
  header: "x-hermes-signature",
  prefix: "sha256=",
});

/**
 * GitHub (docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries). `X-GitHub-Delivery` is not signed: whoever
 * saw one request could send it again under another id, and `X-GitHub-Event` with it. A redelivery repeats the body, and no
 * two events have the same one, so the hash of the body names the event.
 */
export const GITHUB = hmacScheme({
  ...SHA256_OF_BODY,
  name: "github",
  header: "x-hub-signature-256",
  prefix: "sha256=",
});

/** Slack (docs.slack.dev/authentication/verifying-requests-from-slack); the id is the `event_id` of the Events API. */
export const SLACK = hmacScheme({
  name: "slack",
  header: "x-slack-signature",
  prefix: "v0=",
  algorithm: "sha256",
  encoding: "hex",
  content: "v0:{timestamp}:{body}",
  timestampHeader: "x-slack-request-timestamp",
  idInBody: (body) => idIn(body, "event_id"),
});
